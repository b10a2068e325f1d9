package quarantine

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

const (
	queuedBytes = 4 << 20
	queuedItems = 512
)

// queue holds requests until they are written. It is fair among networks, whatever one of them sends: who waits with the
// least is served first, and where it is full, who waits with the most loses its newest. The measure is what a request
// costs on the disk, see cost: by the bytes of its body, a flood of tiny ones would take less than a single event.
type queue struct {
	mu    sync.Mutex
	lines []*line
	items int
	bytes int // in memory
}

// line is what waits of a network.
type line struct {
	network string
	cost    int64
	items   []*Request
}

// cost is what a request takes on the disk, at most.
func cost(r *Request) int64 { return onDisk(len(r.Body) + headRead) }

// push takes a copy of a request, and returns how many are dropped for it, itself included.
func (q *queue) push(r *Request) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size, costs := len(r.Body), cost(r)
	own := q.of(r.Network)
	for q.items >= queuedItems || q.bytes+size > queuedBytes {
		most := own
		taken := costs
		if own != nil {
			taken += own.cost
		}
		for _, l := range q.lines {
			if l != own && l.cost > taken {
				most, taken = l, l.cost
			}
		}
		dropped++
		if most == own {
			return dropped
		}
		q.take(most, len(most.items)-1)
	}
	if own == nil {
		own = &line{network: r.Network}
		q.lines = append(q.lines, own)
	}
	kept := *r
	kept.Body = bytes.Clone(r.Body)
	own.items = append(own.items, &kept)
	own.cost += costs
	q.items++
	q.bytes += size
	return dropped
}

// pop returns the oldest of the network that waits with the least, nil where nothing waits.
func (q *queue) pop() *Request {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		return nil
	}
	least := slices.MinFunc(q.lines, func(a, b *line) int { return cmp.Compare(a.cost, b.cost) })
	return q.take(least, 0)
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items == 0
}

// take takes the nth of a line. mu is held.
func (q *queue) take(l *line, n int) *Request {
	r := l.items[n]
	l.items = slices.Delete(l.items, n, n+1)
	l.cost -= cost(r)
	q.items--
	q.bytes -= len(r.Body)
	if len(l.items) == 0 {
		q.lines = slices.DeleteFunc(q.lines, func(other *line) bool { return other == l })
	}
	return r
}

// of returns the line of a network, nil where it has none. mu is held.
func (q *queue) of(network string) *line {
	for _, l := range q.lines {
		if l.network == network {
			return l
		}
	}
	return nil
}
