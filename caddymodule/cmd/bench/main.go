// Command bench measures what a durable, verified 200 costs: the receiver and a
// plain `respond 200`, each in a process of the same Caddy binary, take the same
// signed POSTs from the same sender, in turns, in one run.
//
//	go run ./caddymodule/cmd/bench
//	go run ./caddymodule/cmd/bench -rounds 5 -seconds 10 -dir /var/tmp
//
// Compare ratios, not numbers: the sender runs on the same machine.
package main

import (
	"context"
	"crypto/rand"
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
}

func main() {
	var opts options
	flag.StringVar(&opts.caddy, "caddy", "", "the Caddy binary to measure (default: build one)")
	flag.StringVar(&opts.dir, "dir", "", "where the buffer is put: use the disk that you want to know about (default: the temporary folder)")
	flag.IntVar(&opts.rounds, "rounds", 3, "how often each phase runs")
	flag.DurationVar(&opts.phase, "phase", 5*time.Second, "how long one phase of load lasts")
	flag.IntVar(&opts.conns, "connections", 64, "keep-alive connections")
	flag.IntVar(&opts.size, "size", 2048, "bytes of a body")
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

	// Killing by context is for an interrupted run; a finished one ends its servers itself.
	ctx, cancel := context.WithCancel(ctx)
	token := rand.Text()
	receiver, err := startServer(ctx, opts.caddy, dir, "receiver", "smartcar_webhook {\n\t\ttoken {env.SMARTCAR_TOKEN}\n\t}", token, cert)
	if err != nil {
		cancel()
		return err
	}
	plain, err := startServer(ctx, opts.caddy, dir, "respond", "respond 200", token, cert)
	defer func() {
		cancel()
		<-receiver.exited
		if plain != nil {
			<-plain.exited
		}
	}()
	if err != nil {
		return err
	}

	body, eventID := sample(opts.size)
	bodies, err := newBodyMaker(token, body, eventID)
	if err != nil {
		return err
	}
	fmt.Printf("%d connections, %d-byte bodies, %d rounds of %v for each row; buffer on %s\n\n", opts.conns, len(body), opts.rounds, opts.phase, dir)
	if err := compare(ctx, opts, bodies, "TLS", receiver.secure, plain.secure); err != nil {
		return err
	}
	if err := compare(ctx, opts, bodies, "plain HTTP", receiver.plain, plain.plain); err != nil {
		return err
	}
	return compareLatency(ctx, opts, bodies, dir, receiver.secure, plain.secure, len(body))
}
