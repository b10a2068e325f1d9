package quarantine

import (
	"fmt"
	"testing"
	"time"
)

// A queue serves who waits with the least first, and the largest loses its newest.
func TestQueueIsFair(t *testing.T) {
	r := newRig(t, Settings{})
	var q queue
	for range queuedItems {
		q.push(r.request("flood", r.body(500)))
	}
	if got := q.push(r.request("flood", r.body(500))); got != 1 {
		t.Errorf("the flood drops %d", got)
	}
	mine := r.request(smartcars, r.body(5000))
	if got := q.push(mine); got != 1 {
		t.Errorf("Smartcar's drops %d", got)
	}
	mine.Body[0] = '!'
	if first := q.pop(); first.Network != smartcars || first.Body[0] != '{' {
		t.Errorf("the first is of %s", first.Network)
	}
	oldest := q.pop()
	for next := q.pop(); next != nil; next = q.pop() {
		oldest = next
	}
	if oldest.Network != "flood" || !q.empty() || q.bytes != 0 || len(q.lines) != 0 {
		t.Errorf("%d items, %d bytes", q.items, q.bytes)
	}
}

// A flood of bodies of a byte takes little memory, and all of the disk: it is the flood that gives way.
func TestTinyBodies(t *testing.T) {
	const flood = "198.51.100.0/24"
	t.Run("in the queue", func(t *testing.T) {
		r := newRig(t, Settings{})
		var q queue
		for i := range 4 * queuedItems {
			q.push(r.request(flood, fmt.Append(nil, i%10)))
		}
		for range 50 {
			q.push(r.request(smartcars, r.body(2048)))
		}
		if mine := q.of(smartcars); mine == nil || len(mine.items) != 50 {
			t.Errorf("Smartcar's are dropped: %+v", mine)
		}
		for n := range 50 {
			if first := q.pop(); first.Network != smartcars {
				t.Fatalf("number %d is of %s", n, first.Network)
			}
		}
	})
	t.Run("on the disk", func(t *testing.T) {
		r := newRig(t, Settings{})
		sent := 0
		for tick := range 500 {
			for range 4 {
				r.Offer(r.request(flood, fmt.Append(nil, tick%10)))
			}
			if tick%20 == 0 {
				r.Offer(r.request(smartcars, r.body(2048)))
				sent++
			}
			r.pass(10 * time.Millisecond)
		}
		r.later(time.Minute)
		if got := r.kept(smartcars); got != sent {
			t.Errorf("%d of %d of Smartcar's are kept", got, sent)
		}
	})
}
