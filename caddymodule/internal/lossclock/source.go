package lossclock

import (
	"container/list"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Source has the deliveries of one source that were refused. It is safe for concurrent use.
type Source struct {
	clock *Clock
	// pending counts byID: while there is none, a stored event costs one load.
	pending    atomic.Int64
	unverified atomic.Uint64

	mu   sync.Mutex
	byID map[uint64]*delivery
	// order has the same deliveries, the one first that was refused first.
	order list.List
	// rest are those for whose ids there was no room.
	rest []second
	lost uint64
	// uncertain are those of lost that were in rest.
	uncertain uint64
	recent    recent
}

// delivery was refused, and has not come again.
type delivery struct {
	id uint64
	// refused is when it first was.
	refused time.Duration
	place   *list.Element
}

// recent are the losses of which each followed the one before within a day.
type recent struct {
	// since is when the first of them was first refused, last when the last one was lost.
	since, last time.Duration
	lost        uint64
}

// Refused says that a delivery with a right signature was not stored. Of the id a hash is kept.
func (s *Source) Refused(id string) {
	key := maphash.String(s.clock.seed, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.elapsed()
	s.runOut(now)
	if d, ok := s.byID[key]; ok {
		if now-d.refused >= Window {
			// It was the last attempt.
			s.remove(d)
			s.lose(d.refused, now, 1)
		}
		return
	}
	if s.clock.kept.Add(1) > mostIDs {
		s.clock.kept.Add(-1)
		s.refusedWithoutRoom(now)
		return
	}
	d := &delivery{id: key, refused: now}
	d.place = s.order.PushBack(d)
	s.byID[key] = d
	s.pending.Add(1)
}

// Stored says that a delivery was stored, or was stored before.
func (s *Source) Stored(id string) {
	if s.pending.Load() == 0 {
		return
	}
	key := maphash.String(s.clock.seed, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runOut(s.clock.elapsed())
	if d, ok := s.byID[key]; ok {
		s.remove(d)
	}
}

// RefusedUnverified says that a request was refused that may have been a delivery, before a right signature was found.
func (s *Source) RefusedUnverified() { s.unverified.Add(1) }

// runOut counts as lost those whose last attempt has not come.
func (s *Source) runOut(now time.Duration) {
	for e := s.order.Front(); e != nil; e = s.order.Front() {
		d := e.Value.(*delivery)
		end := d.refused + Window + late
		if now < end {
			break
		}
		s.remove(d)
		s.lose(d.refused, end, 1)
	}
	s.runOutRest(now)
}

func (s *Source) remove(d *delivery) {
	delete(s.byID, d.id)
	s.order.Remove(d.place)
	s.pending.Add(-1)
	s.clock.kept.Add(-1)
}

// lose counts deliveries that were first refused then, and are lost at another time.
func (s *Source) lose(refused, at time.Duration, n uint64) {
	s.lost += n
	if s.recent.lost == 0 || at-s.recent.last > recently {
		s.recent = recent{since: refused}
	}
	s.recent.last = max(s.recent.last, at)
	s.recent.lost += n
}
