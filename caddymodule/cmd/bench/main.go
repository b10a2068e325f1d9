// Command bench measures what this project adds to a plain Caddy, and what it costs as it
// grows.
//
// Receiving: what a durable, verified 200 costs. The receiver, a plain `respond 200` of
// the same Caddy, a receiver without Caddy and a raw log take the same events in turns.
//
// Delivering: how fast a backlog drains in vehicle order through a handler's process that
// does nothing but check the order, what the host's memory comes to, and whether an event
// costs more when more of them wait.
//
// Growth: ingest, drain, memory, start and disk with many stored events, and what an hour
// of steady load writes.
//
// Observing: what it costs that the receiver is watched: it is compared with itself, watched and not.
//
// Bundled: how fast a backlog drains through each plugin that ships with the binary, to a real server.
//
//	go run ./caddymodule/cmd/bench
//	go run ./caddymodule/cmd/bench -rounds 5 -phase 10s -dir /var/tmp
//	go run ./caddymodule/cmd/bench -only delivering -backlog 20000
//	go run ./caddymodule/cmd/bench -only delivering -large 1000000
//	go run ./caddymodule/cmd/bench -only growth -stored 1000000,5000000
//	go run ./caddymodule/cmd/bench -only growth -steady 10m
//	go run ./caddymodule/cmd/bench -only observing -rounds 10
//	go run ./caddymodule/cmd/bench -only bundled -backlog 20000
//	SMARTCAR_REPORTS=caddymodule/docs/reports go run ./caddymodule/cmd/bench -report
//
// Compare ratios, not numbers: the sender runs on the same machine. Where SMARTCAR_REPORTS
// names a folder, each part writes its report there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

func main() {
	if err := start(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// start is one of the roles of this program: the benchmark, or a process that it starts.
func start(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "plugin":
			servePlugin(args[1:])
			return nil
		case "serve":
			return serveChild()
		case "away":
			return errors.New("this handler never comes up")
		}
	}
	opts, err := parseOptions(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return run(ctx, opts)
}

func run(ctx context.Context, opts options) error {
	dir, err := os.MkdirTemp(opts.dir, "smartcar-bench-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := checkRoom(dir, opts.needs()); err != nil {
		return err
	}
	if opts.caddy == "" {
		opts.caddy = filepath.Join(dir, "caddy")
		build := exec.CommandContext(ctx, "go", "build", "-tags", "nobadger,nomysql,nopgx", "-o", opts.caddy, "./caddymodule/cmd/caddy")
		// As xcaddy builds it: with cgo, the store's memory comes from elsewhere.
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building Caddy (run this from the root of the checkout): %w", err)
		}
	}
	cert, err := devcert.Write(dir)
	if err != nil {
		return err
	}

	b := &bench{opts: opts, cert: cert}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{partReceiving, b.receiving}, {partDelivering, b.delivering}, {partGrowth, b.growing},
		{partObserving, b.observing}, {partBundled, b.bundling},
	} {
		if !opts.wants(part.name) {
			continue
		}
		// A folder for each part, so that what it wrote goes before the next one begins.
		b.dir = filepath.Join(dir, part.name)
		if err := os.Mkdir(b.dir, 0o700); err != nil {
			return err
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if err := os.RemoveAll(b.dir); err != nil {
			return fmt.Errorf("removing what %s wrote: %w", part.name, err)
		}
	}
	return nil
}

// bench is one run.
type bench struct {
	opts options
	cert devcert.Files
	// dir is the folder of the part that runs.
	dir string
	// ingest is how many events a second were received over TLS; 0: that was not measured.
	ingest float64
}
