// Package arrivals bounds the memory of the bodies that receivers hold, over all receivers of an engine. Port 443 is
// open to everybody, and a body has to be held before its signature can be checked.
package arrivals

import "sync"

// Small is the largest body that counts for the small share, in bytes. Smartcar's own limit is 50 kB.
const Small = 64 << 10

// DefaultLimit is how many bytes all bodies may take together.
const DefaultLimit = 32 << 20

// Budget is how many bytes the bodies in arrival may take. Half of it is for bodies that announce up to Small, half for
// larger ones and those that announce nothing, so that none of these takes the place of a usual webhook.
//
// When three quarters of a share are taken, the body that has been in arrival for the longest gives way to the newest
// one. An honest body arrives within moments; one that stops half-way on purpose is soon the oldest. So whoever holds
// half-sent bodies drives out their own. The last quarter is for those that come while others give way; when it
// is taken too, the newest is refused.
//
// A budget is safe for use by several goroutines.
type Budget struct {
	mu           sync.Mutex
	small, large share
}

// New returns a budget of so many bytes.
func New(limit int64) *Budget {
	b := new(Budget)
	b.SetLimit(limit)
	return b
}

// SetLimit changes the limit. What is held already stays.
func (b *Budget) SetLimit(limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.small.limit, b.large.limit = limit/2, limit-limit/2
}

// Largest is the largest body that fits into a budget of limit bytes.
func Largest(limit int64) int64 { return limit - limit/2 }

// Held returns how many bytes are held.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.small.held + b.large.held
}

// Limit returns how many bytes may be held.
func (b *Budget) Limit() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.small.limit + b.large.limit
}

func (b *Budget) shareOf(size int64) *share {
	if size > Small {
		return &b.large
	}
	return &b.small
}

// share is one half of a budget.
type share struct {
	limit, held int64
	// leaving is the part of held that gives way.
	leaving int64
	// oldest and newest are the ends of the list of what can give way.
	oldest, newest *Arrival
}

// makeRoom lets the oldest give way until no more than three quarters stay.
func (s *share) makeRoom(except *Arrival) {
	for a := s.oldest; a != nil && s.held-s.leaving > s.limit/4*3; {
		next := a.next
		if a != except {
			s.unlink(a)
			a.leaving = true
			s.leaving += a.held
			a.sender.GiveUp()
		}
		a = next
	}
}

func (s *share) link(a *Arrival) {
	a.linked, a.prev, a.next = true, s.newest, nil
	if s.newest == nil {
		s.oldest = a
	} else {
		s.newest.next = a
	}
	s.newest = a
}

func (s *share) unlink(a *Arrival) {
	if !a.linked {
		return
	}
	if a.prev == nil {
		s.oldest = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next == nil {
		s.newest = a.prev
	} else {
		a.next.prev = a.prev
	}
	a.linked, a.prev, a.next = false, nil, nil
}

// drop takes all that a holds off the share.
func (s *share) drop(a *Arrival) {
	s.unlink(a)
	s.held -= a.held
	if a.leaving {
		s.leaving -= a.held
	}
}
