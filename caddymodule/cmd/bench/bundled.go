package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/postgrestest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// bundledPlugin is a plugin that ships with the binary, set up to deliver to something real.
type bundledPlugin struct {
	name, what string
	// config is the body of its config block.
	config string
	// events of its backlog; 0: those of -backlog.
	events int
	// body is of an event's; nil: a VEHICLE_STATE.
	body func(smartcar.Sample) []byte
}

// commands is how many events a plugin gets that starts a process for each.
const commands = 2000

// batched is the block of each handler here.
const batched = "handler %q {\n  plugin = %q\n  concurrency = 16\n  start = \"beginning\"\n" +
	"  batch {\n    max_events = 50\n  }\n  config {\n%s\n  }\n}\n"

// bundling drains a backlog through each bundled plugin, to what the plugin is for.
func (b *bench) bundling(ctx context.Context) (err error) {
	application, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return fmt.Errorf("starting the application: %w", err)
	}
	defer func() { err = errors.Join(err, application.Close()) }()
	go func() { _ = sink(application) }()

	database, err := postgrestest.New()
	if err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	defer database.Close()

	fmt.Printf("Bundled plugins: a backlog of %d events of %d vehicles, %d bytes each, through the handler's process"+
		" to what it is for; batches of 50\n\n", b.opts.backlog, manyVehicles, b.opts.size)
	t := table{head: []string{"plugin", "events/s", "÷ jsonl"}}
	var first float64
	plugins, err := b.bundledPlugins("http://"+application.Addr().String(), database.DSN("postgres"))
	if err != nil {
		return err
	}
	for i, p := range plugins {
		rate, err := b.throughPlugin(ctx, fmt.Sprintf("bundled%d", i), p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if first == 0 {
			first = rate
		}
		t.add(p.what, count(rate), decimal(rate/first, 2))
		fmt.Printf("  %s: %s events/s\n", p.what, count(rate))
	}
	fmt.Println()
	t.print(os.Stdout)
	rep := b.opts.report(partBundled)
	rep.Table(t.head, t.rows)
	return rep.Write()
}

func (b *bench) bundledPlugins(application, database string) ([]bundledPlugin, error) {
	examples, err := filepath.Abs("examples/stdio")
	if err != nil {
		return nil, err
	}
	program := func(interpreter, name string) string {
		return fmt.Sprintf("    command = [%q, %q]", interpreter, filepath.Join(examples, name))
	}
	return []bundledPlugin{
		{name: "jsonl", what: "jsonl, synced", config: fmt.Sprintf("    path = %q", filepath.Join(b.dir, "events.jsonl"))},
		{
			name: "http", what: "http, to an application that answers at once",
			config: fmt.Sprintf("    url = %q", application),
		},
		{name: "stdio", what: "stdio, the example in Python", config: program("python3", "handler.py")},
		{
			name: "stdio", what: "stdio, the example in Node", config: program("node", "handler.mjs"),
			body: smartcar.Sample.VehicleError, // it wants no others
		},
		{
			name: "exec", what: "exec, /bin/true for each event", events: min(commands, b.opts.backlog),
			config: "    command = [\"/bin/true\"]",
		},
		{
			name: "postgres", what: "postgres, events",
			config: fmt.Sprintf("    url = %q\n    migrate = true", database),
		},
		{
			name: "postgres", what: "postgres, events and signals",
			config: fmt.Sprintf("    url = %q\n    migrate = true\n    signals = true", database),
		},
		{
			name: "notify", what: "notify, one error of each vehicle again and again", body: smartcar.Sample.VehicleError,
			config: fmt.Sprintf("    state = %q\n    webhook {\n      url = %q\n    }", filepath.Join(b.dir, "notify.db"), application),
		},
	}, nil
}

// throughPlugin drains a new backlog and returns how many events a second the handler settled.
func (b *bench) throughPlugin(ctx context.Context, name string, p bundledPlugin) (float64, error) {
	if p.events == 0 {
		p.events = b.opts.backlog
	}
	if p.body == nil {
		p.body = smartcar.Sample.VehicleState
	}
	path := filepath.Join(b.dir, "backlog")
	if err := fillWith(ctx, path, p.events, manyVehicles, b.opts.size, p.body, nil); err != nil {
		return 0, err
	}
	s, err := b.launch(ctx, site{name: name, buffer: path, handlers: fmt.Sprintf(batched, p.name, p.name, p.config)})
	if err != nil {
		return 0, err
	}
	rate, err := s.settling(ctx, p.events)
	s.stop()
	if err != nil {
		return 0, err
	}
	return rate, os.RemoveAll(path)
}

// settling watches the only handler until it is behind with nothing, and returns how many events a second it settled
// from the first ones on.
func (s *server) settling(ctx context.Context, events int) (float64, error) {
	ctx, giveUp := context.WithTimeout(ctx, time.Minute+time.Duration(events/slowest)*time.Second)
	defer giveUp()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	var begun time.Time
	var left int
	for {
		if st, err := s.status(ctx); err == nil && len(st.Handlers) == 1 {
			behind := st.Handlers[0].Behind.Events
			switch {
			case st.Buffer.DeadLetters > 0:
				return 0, fmt.Errorf("it makes dead letters; %s", s.lastWords())
			case begun.IsZero() && behind > 0 && behind < events:
				begun, left = time.Now(), behind
			case !begun.IsZero() && behind == 0:
				return float64(left) / time.Since(begun).Seconds(), nil
			}
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("it does not end: %w; %s", ctx.Err(), s.lastWords())
		case err := <-s.exited:
			s.exited <- err
			return 0, fmt.Errorf("caddy ended: %w", err)
		case <-ticker.C:
		}
	}
}
