package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// measureIngest compares the receiver with a plain answer, and returns how many events
// a second it takes over TLS.
func measureIngest(ctx context.Context, opts options, dir string, cert devcert.Files) (perSecond float64, err error) {
	// Killing by context is for an interrupted run; a finished one ends its servers itself.
	ctx, cancel := context.WithCancel(ctx)
	token := rand.Text()
	receiver, err := startServer(ctx, opts.caddy, dir, site{name: "receiver", directive: receive, token: token}, cert)
	var plain *server
	defer func() {
		cancel()
		for _, s := range []*server{receiver, plain} {
			if s != nil {
				<-s.exited
			}
		}
	}()
	if err != nil {
		return 0, err
	}
	plain, err = startServer(ctx, opts.caddy, dir, site{name: "respond", directive: "respond 200", token: token}, cert)
	if err != nil {
		return 0, err
	}

	body, eventID := sample(opts.size)
	bodies, err := newBodyMaker(token, body, eventID)
	if err != nil {
		return 0, err
	}
	fmt.Printf("Ingest: %d connections, %d-byte bodies, %d rounds of %v for each row; buffer on %s\n\n", opts.conns, len(body), opts.rounds, opts.phase, dir)
	perSecond, err = compare(ctx, opts, bodies, "TLS", receiver.secure, plain.secure)
	if err != nil {
		return 0, err
	}
	if _, err := compare(ctx, opts, bodies, "plain HTTP", receiver.plain, plain.plain); err != nil {
		return 0, err
	}
	return perSecond, compareLatency(ctx, opts, bodies, dir, receiver.secure, plain.secure, len(body))
}
