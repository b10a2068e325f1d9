// Package handover is the Caddy listener wrapper `smartcar_handover`: a Caddy that ends leaves new connections to the
// one that is started next.
package handover

import (
	"net"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

const name = "smartcar_handover"

func init() { caddy.RegisterModule(Handover{}) }

// Handover is for sockets that outlive Caddy, such as those that a service manager holds (`bind fd/3`). From the moment
// on when Caddy is told to end, no more connections are taken: they wait in the socket. Else each connection whose
// first request comes after `shutdown_delay` is closed without an answer, as Go's HTTP server does.
//
// Caddy does not interrupt the wait for a connection that has begun before. So one more is taken, and answered if it
// comes in time. It changes nothing at a reload.
type Handover struct{}

// CaddyModule returns the Caddy module information.
func (Handover) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners." + name, New: func() caddy.Module { return new(Handover) }}
}

// UnmarshalCaddyfile reads `smartcar_handover`, which has no options.
func (*Handover) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(0) {
		return d.Errf("%s has no options", name)
	}
	return nil
}

// WrapListener has the listener take no more connections once Caddy ends.
func (Handover) WrapListener(ln net.Listener) net.Listener { return newListener(ln, caddy.Exiting) }

// listener takes connections until the process ends.
type listener struct {
	net.Listener
	ending func() bool
	closed func()
	done   <-chan struct{}
}

func newListener(ln net.Listener, ending func() bool) *listener {
	done := make(chan struct{})
	return &listener{Listener: ln, ending: ending, closed: sync.OnceFunc(func() { close(done) }), done: done}
}

// Accept waits for the next connection or, once the process ends, for Close.
func (l *listener) Accept() (net.Conn, error) {
	if l.ending() {
		<-l.done
		return nil, net.ErrClosed
	}
	return l.Listener.Accept()
}

// Close ends Accept.
func (l *listener) Close() error {
	l.closed()
	return l.Listener.Close()
}

var (
	_ caddy.ListenerWrapper = Handover{}
	_ caddyfile.Unmarshaler = (*Handover)(nil)
)
