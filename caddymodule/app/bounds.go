package app

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// Defaults and bounds of the app's options.
const (
	defaultDrainTimeout = 4 * time.Second
	largestDrainTimeout = 10 * time.Minute
	smallestBodyMemory  = 1 << 20
	largestBodyMemory   = 1 << 40
)

func checkDrainTimeout(d caddy.Duration) error {
	if d < 0 || time.Duration(d) > largestDrainTimeout {
		return fmt.Errorf("drain_timeout %s: must be more than 0 and at most %s", time.Duration(d), largestDrainTimeout)
	}
	return nil
}

func parseStages(names []string) (stage.Set, error) {
	set, err := stage.Parse(names)
	if err != nil {
		return 0, fmt.Errorf("log_stages: %w", err)
	}
	return set, nil
}

func checkBodyMemory(size int64) error {
	if size < smallestBodyMemory || size > largestBodyMemory {
		return fmt.Errorf("body_memory %d: must be 1MiB to 1TiB", size)
	}
	return nil
}

// CheckBody reports whether a body of so many bytes, which a receiver's max_size allows, can arrive at all.
func (a *App) CheckBody(maxSize int64) error {
	if maxSize > arrivals.Small && maxSize > arrivals.Largest(a.BodyMemory) {
		return fmt.Errorf("max_size %d: a body of more than 64KiB must fit into half of the app's body_memory, which is %d;"+
			" make that %d or more", maxSize, a.BodyMemory, 2*maxSize)
	}
	return nil
}
