// Command bench measures what this project adds to a plain Caddy.
//
// Ingest: what a durable, verified 200 costs. The receiver and a plain `respond 200`,
// each in a process of the same Caddy binary, take the same signed POSTs from the same
// sender, in turns.
//
// Delivery: how fast a backlog drains in vehicle order through a handler's process that
// does nothing but check the order, what the host's memory comes to, and whether an event
// costs more when more of them wait.
//
//	go run ./caddymodule/cmd/bench
//	go run ./caddymodule/cmd/bench -rounds 5 -phase 10s -dir /var/tmp
//	go run ./caddymodule/cmd/bench -backlog 20000
//	go run ./caddymodule/cmd/bench -large 1000000
//
// Compare ratios, not numbers: the sender runs on the same machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

type options struct {
	caddy  string
	dir    string
	rounds int
	phase  time.Duration
	conns  int
	size   int

	backlog int
	large   int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "plugin" {
		servePlugin(os.Args[2:])
		return
	}
	var opts options
	flag.StringVar(&opts.caddy, "caddy", "", "the Caddy binary to measure (default: build one)")
	flag.StringVar(&opts.dir, "dir", "", "where the buffer is put: use the disk that you want to know about (default: the temporary folder)")
	flag.IntVar(&opts.rounds, "rounds", 3, "how often each phase runs")
	flag.DurationVar(&opts.phase, "phase", 5*time.Second, "how long one phase of load lasts")
	flag.IntVar(&opts.conns, "connections", 64, "keep-alive connections")
	flag.IntVar(&opts.size, "size", 2048, "bytes of a body")
	flag.IntVar(&opts.backlog, "backlog", 200_000, "events of the backlog that is drained; 0: none is")
	flag.IntVar(&opts.large, "large", 0, "drain a backlog of so many events too, such as 1000000: it takes a few minutes")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, opts options) error {
	dir, err := os.MkdirTemp(opts.dir, "smartcar-bench-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(dir)

	if opts.caddy == "" {
		opts.caddy = filepath.Join(dir, "caddy")
		build := exec.CommandContext(ctx, "go", "build", "-tags", "nobadger,nomysql,nopgx", "-o", opts.caddy, "./caddymodule/cmd/caddy")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building Caddy (run this from the root of the checkout): %w", err)
		}
	}
	cert, err := devcert.Write(dir)
	if err != nil {
		return err
	}

	ingest, err := measureIngest(ctx, opts, dir, cert)
	if err != nil {
		return err
	}
	if opts.backlog == 0 {
		return nil
	}
	return measureDelivery(ctx, opts, dir, cert, ingest)
}
