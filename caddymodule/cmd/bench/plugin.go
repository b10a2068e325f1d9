package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// counted is what the plugin says of what it got.
type counted struct {
	// Events that it got, Repeated ones of them, and those that came Disordered: after a
	// younger one of their vehicle.
	Events, Repeated, Disordered int
	// Calls that they came in.
	Calls int
	// Took is the time from the first event to the last one's answer.
	Took time.Duration
}

type pluginConfig struct {
	Events int    `config:"events" doc:"How many events there are."`
	Report string `config:"report" doc:"Where to say, after the last one, what came."`
}

// servePlugin is this program as a handler's process. It does nothing with the events
// but check their order.
func servePlugin(args []string) {
	single := len(args) > 0 && args[0] == "single"
	if single {
		sdk.Serve(sdk.New("noop", func(_ context.Context, c pluginConfig) (sdk.Handler, error) {
			k := &keeper{config: c, last: make(map[string]uint64)}
			return func(_ context.Context, e *sdk.Event) error { return k.take(e) }, nil
		}))
		return
	}
	sdk.Serve(sdk.NewBatch("noop", func(_ context.Context, c pluginConfig) (sdk.BatchHandler, error) {
		k := &keeper{config: c, last: make(map[string]uint64)}
		return func(_ context.Context, events []*sdk.Event) []error {
			if err := k.take(events...); err != nil {
				return sdk.FailAll(len(events), err)
			}
			return nil
		}, nil
	}, sdk.MaxBatch(1000))) // more than the handlers file's default asks for
}

// keeper knows the last event of each vehicle.
type keeper struct {
	config pluginConfig

	mu    sync.Mutex
	last  map[string]uint64 // positions
	begun time.Time
	counted
}

func (k *keeper) take(events ...*sdk.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begun.IsZero() {
		k.begun = time.Now()
	}
	k.Calls++
	for _, e := range events {
		k.Events++
		switch last := k.last[e.VehicleID]; {
		case e.Position == last:
			k.Repeated++
		case e.Position < last:
			k.Disordered++
		default:
			k.last[e.VehicleID] = e.Position
		}
	}
	k.Took = time.Since(k.begun)
	if k.Events-k.Repeated < k.config.Events {
		return nil
	}
	return k.report()
}

// report is written under another name first: who sees it sees all of it.
func (k *keeper) report() error {
	data, err := json.Marshal(k.counted)
	if err != nil {
		return err
	}
	if err := os.WriteFile(k.config.Report+".new", data, 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.Rename(k.config.Report+".new", k.config.Report)
}
