package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// Bars with a backlog of 1,000,000 events.
const (
	barMemory = 200 // MB
	barStart  = time.Second
)

// waited is a Caddy whose handler gets nothing of a backlog.
type waited struct {
	state string
	// behind is how many events the handler was behind, as the admin API says.
	behind int
	// first is the time from the start of the process to the first 200.
	first time.Duration
	// rest is the memory after that, peak the most that there was under load.
	rest, peak int64
	rate       float64
}

// standing is what all of them have in common.
type standing struct {
	states []waited
	// draining is the most memory while all that was drained.
	draining int64
	// cold is the time to the first 200 with the buffer's files not in memory; 0: not known here.
	cold time.Duration
}

// large measures what a large backlog costs while nothing of it is delivered, and then
// drains it.
func (m *delivery) large(ctx context.Context) (larger []drained, st standing, err error) {
	n := m.opts.large
	if n == 0 {
		return nil, st, nil
	}
	fmt.Printf("A backlog of %s events\n", count(float64(n)))
	const held = "held"
	path := filepath.Join(m.dir, "large")
	if err := fill(ctx, path, n, manyVehicles, m.opts.size, paused(held)); err != nil {
		return nil, st, err
	}
	for _, state := range []struct{ name, handler, args string }{
		{"paused", held, `["plugin"]`},
		{"down", "away", `["away"]`},
	} {
		w, err := m.wait(ctx, path, state.name, state.handler, state.args)
		if err != nil {
			return nil, st, fmt.Errorf("with a handler that is %s: %w", state.name, err)
		}
		fmt.Printf("  handler %-7s %s behind; first 200 %s after the start (bar: %s); memory %s, under load at most %s (bar: %d MB); %s answers/s\n",
			w.state, count(float64(w.behind)), millis(w.first), millis(barStart), megabytes(w.rest), megabytes(w.peak), barMemory, count(w.rate))
		st.states = append(st.states, w)
	}
	of := backlog{path: path, events: n}
	d, err := m.row(ctx, of, fmt.Sprintf("%s waiting, %d vehicles", count(float64(n)), manyVehicles))
	if err != nil {
		return nil, st, err
	}
	fmt.Printf("  handler drains  first event %s after the start; memory at most %s\n", millis(d.begin), megabytes(d.peak))
	st.draining = d.peak
	// Last, since what follows would have to read everything from the disk.
	handlers, err := block(held, `["plugin"]`, 0, "none")
	if err != nil {
		return nil, st, err
	}
	if st.cold, err = m.coldStart(ctx, site{name: "cold", buffer: path, handlers: handlers}); err != nil {
		return nil, st, err
	}
	fmt.Printf("  with the files not in memory, as after a start of the machine: first 200 %s after the start\n\n", millis(st.cold))
	return []drained{d}, st, m.remove(of)
}

// wait starts a Caddy whose handler gets nothing, and loads it.
func (m *delivery) wait(ctx context.Context, path, state, handler, args string) (w waited, err error) {
	handlers, err := block(handler, args, 0, "none")
	if err != nil {
		return w, err
	}
	s, bodies, first, err := m.launchAndAsk(ctx, site{name: "waiting-" + state, buffer: path, handlers: handlers})
	if err != nil {
		return w, err
	}
	defer s.stop()
	w = waited{state: state, first: first}
	if err := settle(ctx, s.pid(), quietAfterLoad); err != nil {
		return w, err
	}
	u, _ := use(s.pid())
	w.rest = u.Resident
	loaded, err := load(ctx, s.secure, bodies, effort{conns: m.opts.conns, during: m.opts.phase})
	if err != nil {
		return w, err
	}
	w.rate = loaded.perSecond()
	u, _ = use(s.pid())
	w.peak = u.Peak
	st, err := s.status(ctx)
	if err != nil {
		return w, err
	}
	if len(st.Handlers) != 1 || st.Handlers[0].State != state || st.Handlers[0].Behind.Events < m.opts.large {
		return w, fmt.Errorf("it should be %s and %d events behind: %+v", state, m.opts.large, st.Handlers)
	}
	w.behind = st.Handlers[0].Behind.Events
	return w, nil
}
