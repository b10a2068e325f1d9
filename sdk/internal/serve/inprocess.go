package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

// Plugin is a plugin that can be served within this process. Only this package can do anything with it.
type Plugin struct {
	name      string
	newServer func(log *slog.Logger) Server
}

// NewPlugin makes a Plugin of what makes its server.
func NewPlugin(name string, newServer func(log *slog.Logger) Server) Plugin {
	return Plugin{name: name, newServer: newServer}
}

// Running is a plugin that is served from within this process.
type Running struct {
	// Addr is where it listens: a unix socket, or a TCP port of this machine on Windows.
	Addr net.Addr
	// Done is closed when serving has ended.
	Done <-chan struct{}
}

// InProcess serves p over the real protocol but in this process, without handshake, lifeline and TLS, until ctx ends.
func InProcess(ctx context.Context, p Plugin, log *slog.Logger) (*Running, error) {
	srv := p.newServer(log)
	config := Config(srv, hclog.NewNullLogger())
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
			Stop(srv)
		}()
		return &Running{Addr: at.Addr, Done: done}, nil
	case <-served:
		return nil, fmt.Errorf("serving plugin %s: %w", p.name, errors.New("no socket could be opened"))
	}
}
