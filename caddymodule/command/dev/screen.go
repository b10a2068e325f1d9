package dev

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/fleet"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// screen shows what is sent and what is answered. It may be used by several goroutines.
type screen struct {
	out io.Writer

	mu sync.Mutex
	// waiting are the events that were sent and are not settled.
	waiting map[string]bool
	// down is why the application takes nothing now, empty while it does.
	down                 string
	events, done, dead   int
	changed              chan struct{} // after an event was settled
	refusals, deliveries int
}

func newScreen(out io.Writer) *screen {
	return &screen{out: out, waiting: map[string]bool{}, changed: make(chan struct{}, 1)}
}

// sending notes an event before it is sent, since its handler may be faster than the answer.
func (s *screen) sending(d fleet.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Kind != fleet.Again {
		s.waiting[d.ID] = true
	}
}

// unsent takes back an event whose sending was cut off.
func (s *screen) unsent(d fleet.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Kind != fleet.Again {
		delete(s.waiting, d.ID)
	}
}

// sent shows a delivery with the edge's answer.
func (s *screen) sent(d fleet.Delivery, answer simulator.Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := answer.Code
	switch {
	case answer.Err != nil:
		said = "no answer: " + answer.Err.Error()
	case !answer.Accepted():
		said = fmt.Sprintf("%d %s", answer.Status, answer.Code)
	}
	s.deliveries++
	switch {
	case !answer.Accepted():
		s.refusals++
		if d.Kind != fleet.Again {
			delete(s.waiting, d.ID)
		}
	case d.Kind != fleet.Again:
		s.events++
	}
	s.print("sent    ", d.ID, fmt.Sprintf("vehicle %d, %s, %s%s: %s", d.Vehicle, d.Type(), d.Summary(), note(d), said))
}

// note says what is unusual about a delivery.
func note(d fleet.Delivery) string {
	what := ""
	switch d.Kind {
	case fleet.OnTime:
		return ""
	case fleet.Again:
		what = "again"
	case fleet.Late:
		what = "late"
	case fleet.Overtaken:
		what = "out of order"
	}
	if d.Attempt > 1 {
		what += fmt.Sprintf(", attempt %d", d.Attempt)
	}
	return " (" + what + ")"
}

// print writes one line about an event.
func (s *screen) print(what, id, rest string) {
	fmt.Fprintf(s.out, "%s  %s  %s  %s\n", time.Now().Format(time.TimeOnly), what, short(id), rest)
}

// say writes one line about all of it.
func (s *screen) say(format string, args ...any) {
	fmt.Fprintf(s.out, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// short is as much of an id as tells events apart by eye.
func short(id string) string {
	id = text.Clean(id)
	return id[:min(len(id), 8)]
}

// settled notes that an event is done, or a dead letter.
func (s *screen) settled(id string) {
	delete(s.waiting, id)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// settle waits until nothing waits, or ctx ends.
func (s *screen) settle(ctx context.Context) {
	for {
		s.mu.Lock()
		waiting := len(s.waiting)
		s.mu.Unlock()
		if waiting == 0 {
			return
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			return
		}
	}
}

// summary is the last line.
func (s *screen) summary() {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%s sent, in %s; %s done", text.Plural(uint64(s.events), "event"),
		deliveries(s.deliveries), text.Count(s.done))
	if s.dead > 0 {
		line += ", " + text.Plural(uint64(s.dead), "dead letter")
	}
	if len(s.waiting) > 0 {
		line += ", " + text.Count(len(s.waiting)) + " still waiting"
	}
	if s.refusals > 0 {
		line += fmt.Sprintf("; the edge did not take %s", deliveries(s.refusals))
	}
	fmt.Fprintln(s.out, line+".")
}

func deliveries(n int) string { return text.Deliveries(uint64(n)) }
