package quarantine

import (
	"errors"
	"math"
	"time"
)

// leastRoom is what the buffer must still have room for, so that nothing of what is kept here ever makes it refuse an
// event.
const leastRoom = 64 << 20

// MayDelete reports whether what is more than the settings allow is deleted now.
func (s *Store) MayDelete() bool { return s.settings.Load().mayDelete() }

// follow makes settings the limits as soon as their config is in force.
func (s *Store) follow() {
	if settings := s.settings.Load(); settings != s.limits.Load() && settings.mayDelete() {
		s.limits.Store(settings)
	}
}

// bounds are the limits. Before any config is in force, which has nothing deleted, they are those of the one that is
// being loaded.
func (s *Store) bounds() *Settings {
	if limits := s.limits.Load(); limits != nil {
		return limits
	}
	return s.settings.Load()
}

// Errors of keep about room.
var (
	errHalted    = errors.New("the buffer is halted")
	errLittle    = errors.New("the room that is left is the buffer's")
	errNoRemoval = errors.New("there is no room, and what is kept cannot be removed")
)

// lookForRoom asks the buffer how much may be written until the next look.
func (s *Store) lookForRoom() {
	b := s.buffer.Stats()
	s.halted, s.spare = b.Halted != nil, math.MaxInt64
	if b.Room != nil {
		s.spare = int64(min(*b.Room, math.MaxInt64)) - leastRoom - s.spent // what was written may not be in it yet
	}
	s.spent = 0
	s.mu.Lock()
	short := errors.Is(s.failing, errHalted) || errors.Is(s.failing, errLittle)
	s.mu.Unlock()
	if short && s.mayWrite(1) == nil {
		s.well()
	}
}

// mayWrite returns why so many bytes may not be written, nil if they may.
func (s *Store) mayWrite(disk int64) error {
	switch {
	case s.halted:
		return errHalted
	case s.spare < disk+s.spent:
		return errLittle
	}
	return nil
}

// expire removes what is too old, and what no longer fits after the settings have changed.
func (s *Store) expire() {
	limits := s.limits.Load()
	if limits == nil {
		return
	}
	before := s.clock.Ago(s.maxAge())
	s.mu.Lock()
	var old []*entry
	for _, e := range s.index.entries {
		if e.stamp < before {
			old = append(old, e)
		}
	}
	s.mu.Unlock()
	for _, e := range old {
		s.drop(e, Expired)
	}
	if limits.On {
		s.makeRoom("", 0, 0)
	}
}

// maxAge is how long one is kept: never longer than the buffer knows the ids of events.
func (s *Store) maxAge() time.Duration {
	most := s.bounds().MaxAge
	if window := s.buffer.Limits().DedupeWindow; window > 0 {
		most = min(most, window)
	}
	return most
}

// drop removes a kept one for a reason, and reports whether it is gone.
func (s *Store) drop(e *entry, why Reason) bool {
	if err := s.files.remove(fileName(e.id)); err != nil {
		s.fail(err)
		return false
	}
	s.mu.Lock()
	s.index.remove(e)
	s.mu.Unlock()
	s.counts.drop(why, 1)
	return true
}

// fits reports whether so many files more, of so many bytes, keep within the bounds.
func (s *Store) fits(files int, disk int64) bool {
	limits := s.bounds()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.index.entries)+files <= limits.MaxCount && s.index.bytes+disk <= limits.MaxSize
}

// makeRoom removes what has to give way to so many files of a network, of so many bytes, as far as it can
// and may.
func (s *Store) makeRoom(network string, files int, disk int64) {
	if s.limits.Load() == nil {
		return
	}
	for !s.fits(files, disk) {
		s.mu.Lock()
		victim := s.index.victim(network, disk)
		s.mu.Unlock()
		if victim == nil || !s.drop(victim, Displaced) {
			return
		}
	}
}
