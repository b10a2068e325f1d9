package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

// InProcess is a plugin that is served from within this process.
type InProcess struct {
	// Addr is where it listens: a unix socket, or a TCP port of this machine on Windows.
	Addr net.Addr
	// Done is closed when serving has ended.
	Done <-chan struct{}
}

// ServeInProcess serves p over the real protocol but in this process, without
// handshake, lifeline and TLS, until ctx ends. Package sdktest is made of it;
// tests of a handler want that package instead. A nil log means slog.Default().
func ServeInProcess(ctx context.Context, p *Plugin, log *slog.Logger) (*InProcess, error) {
	if log == nil {
		log = slog.Default()
	}
	srv := newServer(p, log)
	config := serveConfig(srv, hclog.NewNullLogger())
	attach := make(chan *plugin.ReattachConfig, 1)
	served := make(chan struct{})
	done := make(chan struct{})
	config.Test = &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: attach, CloseCh: served}
	go plugin.Serve(config)
	select {
	case at := <-attach:
		go func() {
			defer close(done)
			<-served
			farewell(srv)
		}()
		return &InProcess{Addr: at.Addr, Done: done}, nil
	case <-served:
		return nil, fmt.Errorf("serving plugin %s: %w", p.name, errors.New("no socket could be opened"))
	}
}
