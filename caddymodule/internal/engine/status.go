package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// Receiving reports whether events are taken.
type Receiving string

// The answers.
const (
	// ReceivingOpening: the buffer is not open yet; receivers wait for it, or answer 503.
	ReceivingOpening Receiving = "opening"
	// ReceivingOpen: events are taken.
	ReceivingOpen Receiving = "open"
	// ReceivingFailed: the buffer does not open; receivers answer 503, and it is tried again.
	ReceivingFailed Receiving = "failed"
	// ReceivingHalted: a write failed; receivers answer 503 until Caddy is restarted.
	ReceivingHalted Receiving = "halted"
	// ReceivingClosed: the engine has ended.
	ReceivingClosed Receiving = "closed"
)

// Status describes an engine at one moment.
type Status struct {
	Receiving Receiving
	// Error is why nothing is received, nil when it is.
	Error error
	// Since is when the buffer began to open, or when it first did not; zero in other states.
	Since time.Time
	// NextTry is when the buffer that did not open is tried again; zero in other states, and during a try.
	NextTry time.Time
	// Mistake is why no handler of the handlers files is at work, nil when they are.
	Mistake error
	// Buffer is zero while it is not open.
	Buffer buffer.Stats
	// Handlers in the order of the handlers file.
	Handlers []HandlerStatus
	// Removed are consumers without a handler in force, with OrphanedSince: what waits
	// for them is kept until Forget, or until the buffer lets go of it.
	Removed []buffer.ConsumerInfo
	// Replays of the handlers in force, the oldest first.
	Replays []replay.Job
	// Incomplete is why Removed and what HandlerStatus has from the buffer are missing,
	// nil when they are there or the buffer is not open.
	Incomplete error
}

// HandlerStatus describes one handler.
type HandlerStatus struct {
	Name string
	// Place is where it is defined, as file:line, and WhenPlace where its when is, "" where it has none.
	Place, WhenPlace string
	// Program is what its definition names: a plugin that is compiled in, or the file name of an executable.
	Program string
	// Plugin is the state of its process.
	Plugin pluginhost.State
	// Dispatch is zero while nothing can be delivered.
	Dispatch dispatch.Stats
	// Totals are what it did since the engine was made.
	Totals Totals
	// Consumer is what the buffer has before it.
	Consumer buffer.ConsumerStats
	// PausedSince is when an operator paused it, zero when it is not paused.
	PausedSince time.Time
	// Starting: it will be at work when the buffer is open.
	Starting bool
	// Mistaken: its definition has a mistake, which is its Plugin's LastError.
	Mistaken bool
	// Bundled: its plugin is one of those that ship with the binary, and what it says is free of what is in events; not
	// one that passes on what a program of the user's says.
	Bundled bool
	// Waiting counts events that are stored and not settled, with those in flight;
	// Oldest is when the oldest of them was stored, zero when there is none: the lag.
	Waiting uint64
	Oldest  time.Time
	// Error is why nothing can be delivered although the plugin may be up, nil where
	// all is well.
	Error error
}

// Status returns what the engine is doing. It opens nothing, and is cheap enough to
// be asked once a second.
func (e *Engine) Status(ctx context.Context) Status {
	s := e.store.status()
	s.Mistake = e.currentMistake()
	runners := e.current()
	for _, r := range runners {
		h := r.status()
		h.Totals = r.tally.total()
		s.Handlers = append(s.Handlers, h)
	}
	if len(runners) == 0 {
		s.Handlers = e.lateHandlers()
	}
	b := e.store.open.Load()
	if b == nil || s.Receiving == ReceivingClosed {
		return s
	}
	s.Replays = e.listReplays()
	infos, err := (*b).Consumers(ctx)
	if err != nil {
		s.Incomplete = fmt.Errorf("asking the buffer about its consumers: %w", err)
		return s
	}
	for _, info := range infos {
		i := slices.IndexFunc(s.Handlers, func(h HandlerStatus) bool { return h.Name == info.Name })
		if i < 0 {
			s.Removed = append(s.Removed, info)
			continue
		}
		s.Handlers[i].describe(&info)
	}
	return s
}

// Receiving returns of Status what it says of receiving. It asks neither handlers nor the disk, so anybody may ask as
// often as he likes.
func (e *Engine) Receiving() Status { return e.store.status() }

// describe adds what the buffer knows.
func (h *HandlerStatus) describe(info *buffer.ConsumerInfo) {
	h.Consumer = info.ConsumerStats
	h.PausedSince = info.PausedSince
	h.Oldest = info.Oldest
	// Leased holds deferred events that are tried just now, too.
	h.Waiting = info.Pending + uint64(h.Dispatch.InMemory) + info.Deferred
}

func (s *store) status() Status {
	st, b := s.state()
	if b == nil {
		return st
	}
	// Not under the lock: it may read the disk.
	st.Buffer = b.Stats()
	if st.Buffer.Halted != nil {
		st.Receiving, st.Error = ReceivingHalted, st.Buffer.Halted
	}
	return st
}

// state returns how far opening is, and the buffer if it is open.
func (s *store) state() (Status, buffer.Buffer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.open.Load()
	switch {
	case s.closed:
		return Status{Receiving: ReceivingClosed, Error: buffer.ErrClosed}, nil
	case b == nil && s.failed != nil:
		st := Status{Receiving: ReceivingFailed, Error: s.failed, Since: s.failing}
		if s.opening == nil {
			st.NextTry = s.failedAt.Add(reopenAfter)
		}
		return st, nil
	case b == nil:
		return Status{Receiving: ReceivingOpening, Since: s.begun}, nil
	}
	return Status{Receiving: ReceivingOpen}, *b
}

func (r *runner) status() HandlerStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := HandlerStatus{
		Name:      r.def.Name,
		Place:     r.place.handler,
		WhenPlace: r.place.when,
		Program:   program(&r.def),
		Plugin:    r.plugin.State(),
		Error:     r.err,

		Mistaken: r.def.Mistake != nil,
		Bundled:  r.ownWords,
	}
	if r.consumer != nil {
		s.Consumer = r.consumer.Stats()
	}
	if r.dispatcher != nil {
		s.Dispatch = r.dispatcher.Stats()
	}
	return s
}
