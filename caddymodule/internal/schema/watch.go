package schema

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	// PerSecond is how many events of a source are examined in a second at most.
	PerSecond = 50
	// queued and queuedBytes bound the events that wait to be examined; a larger body than longestBody is not.
	queued      = 100
	queuedBytes = 2 << 20
	longestBody = 256 << 10
	// mostNames bounds the names of a kind, mostSources the sources that are counted.
	mostNames   = 50
	mostSources = 1000
)

// Watch examines some of the events that are stored. Its methods are safe for concurrent use.
type Watch struct {
	queue chan sample
	life  context.Context
	end   context.CancelFunc
	start sync.Once
	ended chan struct{}

	mu      sync.Mutex
	bytes   int // of the queue
	pace    map[string]*pace
	names   map[finding]*Name
	perKind map[Kind]int
	events  map[eventKind]uint64
	left    uint64
}

// sample is a copy of an event.
type sample struct {
	source string
	at     time.Time
	body   []byte
}

// pace is how many events of a source were taken in a second.
type pace struct {
	second int64
	taken  int
}

type eventKind struct {
	source string
	kind   Kind
}

// New returns a watch that has seen nothing.
func New() *Watch {
	w := &Watch{
		queue: make(chan sample, queued), ended: make(chan struct{}),
		pace: map[string]*pace{}, names: map[finding]*Name{}, perKind: map[Kind]int{}, events: map[eventKind]uint64{},
	}
	w.life, w.end = context.WithCancel(context.Background())
	return w
}

// Opened begins.
func (w *Watch) Opened(buffer.Buffer) { w.start.Do(func() { go w.run() }) }

// Stored takes a copy of a new event where it is the turn of one. It waits for nothing.
func (w *Watch) Stored(_ uint64, e *buffer.Event) {
	if e.Unreadable != "" || len(e.Body) > longestBody || !w.take(e) {
		return
	}
	select {
	case w.queue <- sample{e.Source, e.ReceivedAt, bytes.Clone(e.Body)}:
	default:
		w.release(len(e.Body))
	}
}

// take reports whether it is an event's turn, and there is room for it.
func (w *Watch) take(e *buffer.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pace[e.Source]
	if p == nil {
		if len(w.pace) == mostSources {
			return false
		}
		p = new(pace)
		w.pace[e.Source] = p
	}
	if second := e.ReceivedAt.Unix(); second != p.second {
		*p = pace{second: second}
	}
	if p.taken == PerSecond || w.bytes+len(e.Body) > queuedBytes {
		return false
	}
	p.taken++
	w.bytes += len(e.Body)
	return true
}

func (w *Watch) release(size int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes -= size
}

// Close ends.
func (w *Watch) Close(ctx context.Context) error {
	w.end()
	w.start.Do(func() { close(w.ended) })
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ending the look at events: %w", ctx.Err())
	}
}

func (w *Watch) run() {
	defer close(w.ended)
	for {
		select {
		case <-w.life.Done():
			return
		case s := <-w.queue:
			w.note(s.source, s.at, examine(s.body))
			w.release(len(s.body))
		}
	}
}

// note counts what was found in an event.
func (w *Watch) note(source string, at time.Time, found []finding) {
	if len(found) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	kinds := map[Kind]bool{}
	for _, f := range found {
		kinds[f.kind] = true
		n := w.names[f]
		if n == nil {
			if w.perKind[f.kind] == mostNames {
				w.left++
				continue
			}
			w.perKind[f.kind]++
			n = &Name{Kind: f.kind, Name: f.name, First: at}
			w.names[f] = n
		}
		n.Events++
		n.Last = at
	}
	for kind := range kinds {
		w.events[eventKind{source, kind}]++
	}
}

// Name is a name that is not known.
type Name struct {
	Kind Kind
	// Name, or NotShown.
	Name string
	// Events counts the examined events that have it, First and Last are when the first and the last of them were
	// received.
	Events      uint64
	First, Last time.Time
}

// Count counts the examined events of a source that have something of a kind.
type Count struct {
	Source string
	Kind   Kind
	Events uint64
}

// Report is what was found since this process began to look.
type Report struct {
	Names  []Name
	Counts []Count
	// Left counts what was found beyond 50 names of a kind.
	Left uint64
}

// Report returns what was found: names by kind, those that came first at first.
func (w *Watch) Report() Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := Report{Left: w.left}
	for _, n := range w.names {
		r.Names = append(r.Names, *n)
	}
	for of, n := range w.events {
		r.Counts = append(r.Counts, Count{of.source, of.kind, n})
	}
	slices.SortFunc(r.Names, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.First.Compare(b.First), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(r.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Kind, b.Kind))
	})
	return r
}
