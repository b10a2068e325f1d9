package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/cmd/bench/internal/proc"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// counted is what the plugin says of what it got.
type counted struct {
	// Events that it got, Repeated ones of them, and those that came Disordered: after a
	// younger one of their vehicle.
	Events, Repeated, Disordered int
	// Calls that they came in.
	Calls int
	// First is when the first event came, Took the time from then to the last one's answer.
	First time.Time
	Took  time.Duration
	// Host and Plugin are the processor time of Caddy and of this process in that time; 0:
	// not known here.
	Host, Plugin time.Duration
}

type pluginConfig struct {
	Events int    `config:"events" doc:"How many events there are; 0: it never ends."`
	Report string `config:"report" doc:"Where to say, after the last one, what came."`
}

// servePlugin is this program as a handler's process. It does nothing with the events
// but check their order.
func servePlugin(args []string) {
	single := len(args) > 0 && args[0] == "single"
	if single {
		sdk.Serve(sdk.New("noop", func(_ context.Context, c pluginConfig) (sdk.Handler, error) {
			k := newKeeper(c)
			return func(_ context.Context, e *sdk.Event) error { return k.take(e) }, nil
		}))
		return
	}
	sdk.Serve(sdk.NewBatch("noop", func(_ context.Context, c pluginConfig) (sdk.BatchHandler, error) {
		k := newKeeper(c)
		return func(_ context.Context, events []*sdk.Event) []error {
			if err := k.take(events...); err != nil {
				return sdk.FailAll(len(events), err)
			}
			return nil
		}, nil
	}, sdk.WithMaxBatch(1000))) // more than the handlers file's default asks for
}

// keeper knows the last event of each vehicle.
type keeper struct {
	config pluginConfig

	mu           sync.Mutex
	last         map[string]uint64 // positions
	host, plugin proc.Use          // at the first event
	counted
}

func newKeeper(c pluginConfig) *keeper { return &keeper{config: c, last: make(map[string]uint64)} }

func (k *keeper) take(events ...*sdk.Event) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.First.IsZero() {
		k.First = time.Now()
		// Caddy started this process, so it is its parent.
		k.host, _ = use(os.Getppid())
		k.plugin, _ = use(os.Getpid())
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
	if k.config.Events == 0 || k.Events-k.Repeated < k.config.Events {
		return nil
	}
	return k.report()
}

// report is written under another name first: who sees it sees all of it.
func (k *keeper) report() error {
	k.Took = time.Since(k.First)
	host, _ := use(os.Getppid())
	plugin, _ := use(os.Getpid())
	k.Host, k.Plugin = host.Since(k.host).CPU, plugin.Since(k.plugin).CPU
	data, err := json.Marshal(k.counted)
	if err != nil {
		return err
	}
	if err := os.WriteFile(k.config.Report+".new", data, 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.Rename(k.config.Report+".new", k.config.Report)
}
