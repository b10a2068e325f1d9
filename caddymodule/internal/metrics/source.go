package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Source observes the requests of one source. nil observes nothing.
type Source struct {
	on                      *atomic.Bool
	answer, bodyRead, store prometheus.Observer
}

// Source returns what observes a source's requests. A source of the config is in the metrics from here on.
func (m *Metrics) Source(name string) *Source {
	return &Source{
		on: &m.on, answer: m.live.answer.WithLabelValues(name),
		bodyRead: m.live.bodyRead.WithLabelValues(name), store: m.live.store.WithLabelValues(name),
	}
}

// Timing times one request. The zero value times nothing.
type Timing struct {
	source *Source
	begun  time.Time
}

// Begin begins to time a request.
func (s *Source) Begin() Timing {
	if s == nil || !s.on.Load() {
		return Timing{}
	}
	return Timing{s, time.Now()}
}

// BodyRead notes that the body has come, or was given up.
func (t Timing) BodyRead() {
	if t.source != nil {
		t.source.bodyRead.Observe(time.Since(t.begun).Seconds())
	}
}

// Now is the time, zero where nothing is timed.
func (t Timing) Now() time.Time {
	if t.source == nil {
		return time.Time{}
	}
	return time.Now()
}

// Stored notes that the buffer has stored an event, or not, that it got at a time.
func (t Timing) Stored(begun time.Time) {
	if t.source != nil {
		t.source.store.Observe(time.Since(begun).Seconds())
	}
}

// Answered notes that the answer was given.
func (t Timing) Answered() {
	if t.source != nil {
		t.source.answer.Observe(time.Since(t.begun).Seconds())
	}
}
