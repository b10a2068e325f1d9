package engine

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// Receiving says whether events are taken.
type Receiving string

// The answers.
const (
	// ReceivingIdle: the buffer has not been needed yet.
	ReceivingIdle Receiving = "idle"
	// ReceivingOpen: events are taken.
	ReceivingOpen Receiving = "open"
	// ReceivingFailed: the buffer does not open; receivers answer 503.
	ReceivingFailed Receiving = "failed"
	// ReceivingSealed: a write failed; receivers answer 503 until Caddy is restarted.
	ReceivingSealed Receiving = "sealed"
	// ReceivingClosed: the engine has ended.
	ReceivingClosed Receiving = "closed"
)

// Status describes an engine at one moment.
type Status struct {
	Receiving Receiving
	// Error is why nothing is received, nil when it is.
	Error error
	// Buffer is zero while it is not open.
	Buffer buffer.Stats
	// Handlers in the order of the handlers file.
	Handlers []HandlerStatus
}

// HandlerStatus describes one handler.
type HandlerStatus struct {
	Name string
	// Place is where it is defined, as file:line.
	Place string
	// Plugin is the state of its process.
	Plugin pluginhost.State
	// Dispatch and Consumer are zero while nothing can be delivered.
	Dispatch dispatch.Stats
	Consumer buffer.ConsumerStats
	// Error is why nothing can be delivered although the plugin may be up, nil where
	// all is well.
	Error error
}

// Status returns what the engine is doing. It opens nothing, and is cheap enough to
// be asked once a second.
func (e *Engine) Status() Status {
	s := e.store.status()
	for _, r := range e.current() {
		s.Handlers = append(s.Handlers, r.status())
	}
	return s
}

func (s *store) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.open.Load()
	switch {
	case s.closed:
		return Status{Receiving: ReceivingClosed, Error: buffer.ErrClosed}
	case b == nil && s.failed != nil:
		return Status{Receiving: ReceivingFailed, Error: s.failed}
	case b == nil:
		return Status{Receiving: ReceivingIdle}
	}
	st := Status{Receiving: ReceivingOpen, Buffer: (*b).Stats()}
	if st.Buffer.Sealed != nil {
		st.Receiving, st.Error = ReceivingSealed, st.Buffer.Sealed
	}
	return st
}

func (r *runner) status() HandlerStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := HandlerStatus{
		Name:   r.def.Name,
		Place:  r.place,
		Plugin: r.plugin.State(),
		Error:  r.err,
	}
	if r.consumer != nil {
		s.Consumer = r.consumer.Stats()
	}
	if r.dispatcher != nil {
		s.Dispatch = r.dispatcher.Stats()
	}
	return s
}
