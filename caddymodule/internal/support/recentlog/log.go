// Package recentlog keeps the last lines that this module has logged, for a support bundle: in memory, within a bound,
// whatever Caddy does with its log. What is of a person, a secret, or said by somebody else's program is left out of a
// line before it is kept.
package recentlog

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// The bounds of each kind of line, so that no kind drives out another.
const (
	mostWarnings      = 1000
	mostWarningsBytes = 160 << 10
	mostNews          = 300
	mostNewsBytes     = 48 << 10
	mostOfEvents      = 300
	mostOfEventsBytes = 48 << 10
	mostPrinted       = 100
	mostPrintedBytes  = 16 << 10
)

// kind is what a line is about. The numbers are those of Log.rings.
type kind int

const (
	// warning is of a level of WARN or above.
	warning kind = iota
	// news is of the level INFO.
	news
	// ofEvent is a warning about one request or event: there may be as many as there are events.
	ofEvent
	// printed is a warning that a plugin printed.
	printed
	kinds
)

// Log keeps lines. It is safe for concurrent use. Make one with New.
type Log struct {
	mu    sync.Mutex
	rings [kinds]ring
	next  uint64
	// to is the Log that has taken over, if any.
	to *Log
}

// New returns an empty Log.
func New() *Log {
	return &Log{rings: [kinds]ring{
		warning: {most: mostWarnings, mostBytes: mostWarningsBytes},
		news:    {most: mostNews, mostBytes: mostNewsBytes},
		ofEvent: {most: mostOfEvents, mostBytes: mostOfEventsBytes},
		printed: {most: mostPrinted, mostBytes: mostPrintedBytes},
	}}
}

// Lines returns what is kept, the oldest first, each a JSON object without a line end, and how many were kept once
// and are not any more. Lines of one kind that follow one another and say the same are one, which has the last one's time,
// as "repeated" how many there were, and as "since" the first one's time.
func (l *Log) Lines() (lines []string, gone uint64) {
	l = l.locked()
	defer l.mu.Unlock()
	var all []line
	for i := range l.rings {
		all = append(all, l.rings[i].lines...)
		gone += l.rings[i].gone
	}
	slices.SortFunc(all, func(a, b line) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	for _, kept := range all {
		lines = append(lines, kept.String())
	}
	return lines, gone
}

// JoinTo has another Log take over: it gets the lines, and those that come. A Log joins once, and not one that has
// joined this one.
func (l *Log) JoinTo(other *Log) {
	if l == other {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		return
	}
	l.to = other
	target := other.locked()
	defer target.mu.Unlock()
	for i := range l.rings {
		for _, kept := range l.rings[i].lines {
			target.put(kind(i), kept)
		}
		l.rings[i].lines = nil
	}
}

// add keeps a line.
func (l *Log) add(k kind, newest line) {
	l = l.locked()
	defer l.mu.Unlock()
	l.put(k, newest)
}

// locked returns the Log that has taken over last, locked.
func (l *Log) locked() *Log {
	l.mu.Lock()
	for l.to != nil {
		next := l.to
		l.mu.Unlock()
		l = next
		l.mu.Lock()
	}
	return l
}

// put keeps a line while mu is held.
func (l *Log) put(k kind, newest line) {
	l.next++
	newest.number = l.next
	l.rings[k].add(newest)
}

type line struct {
	number uint64
	// at is when it was logged last.
	at time.Time
	// repeated is how many times more it was logged, since when if that is not 0.
	repeated uint64
	since    time.Time
	// text is a JSON object without its begin, which is the time, and its end.
	text string
}

// String is the line as a JSON object.
func (l *line) String() string {
	begin := `{"ts":` + quote(l.at.UTC().Format(time.RFC3339Nano)) + "," + l.text
	if l.repeated == 0 {
		return begin + "}"
	}
	return fmt.Sprintf(`%s,"repeated":%d,"since":%s}`, begin, 1+l.repeated, quote(l.since.UTC().Format(time.RFC3339Nano)))
}

// mostMore is what a line has in bytes beside its text.
const mostMore = len(`{"ts":"2006-01-02T15:04:05.999999999Z",` +
	`,"repeated":18446744073709551615,"since":"2006-01-02T15:04:05.999999999Z"}`)

// ring keeps the newest lines.
type ring struct {
	most, mostBytes int

	lines []line
	bytes int
	gone  uint64
}

func (r *ring) add(newest line) {
	if n := len(r.lines); n > 0 && r.lines[n-1].text == newest.text {
		r.fold(&r.lines[n-1], newest)
		return
	}
	r.lines = append(r.lines, newest)
	r.bytes += len(newest.text) + mostMore
	for len(r.lines) > r.most || r.bytes > r.mostBytes {
		r.bytes -= len(r.lines[0].text) + mostMore
		r.lines[0] = line{} // its text is not held by the array
		r.lines = r.lines[1:]
		r.gone++
	}
}

// fold makes a line and the newest, which says the same, one.
func (r *ring) fold(last *line, newest line) {
	since := last.at
	if last.repeated > 0 {
		since = last.since
	}
	last.number, last.at, last.since = newest.number, newest.at, since
	last.repeated += 1 + newest.repeated
}
