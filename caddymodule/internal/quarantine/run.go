package quarantine

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	// lookEvery is how often ages are looked at, and whether there is room.
	lookEvery = 10 * time.Second
	// slice is how many are verified between two writes.
	slice = 32
	// leastRoom is what the buffer must still have room for, so that nothing of what is kept here ever makes it refuse
	// an event.
	leastRoom = 64 << 20
	// settleFor is how long settings must stand before they delete anything: a config may be taken back.
	settleFor = 15 * time.Second
)

// run reads the folder, then writes what comes until Close.
func (s *Store) run() {
	defer close(s.ended)
	s.load()
	close(s.ready)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.life.Done():
			s.flush()
			return
		case <-timer.C:
		case <-s.wake:
		}
		timer.Reset(s.step(time.Now()))
	}
}

// load reads the headers of what is kept.
func (s *Store) load() {
	if s.files == nil {
		return
	}
	names, err := s.files.list()
	if err != nil {
		s.fail(fmt.Errorf("reading the folder: %w", err))
		return
	}
	now := s.clock.Now()
	var found []*entry
	damaged := 0
	for _, name := range names {
		id, ok := idOf(name)
		if !ok {
			continue // nobody knows whose it is
		}
		data, size, err := s.files.head(name)
		if err != nil {
			continue // the disk may be well again at the next start
		}
		h, _, _, err := decodeHead(data, size)
		if err != nil {
			damaged++
			_ = s.files.remove(name)
			continue
		}
		h.Stamp = min(h.Stamp, now)
		found = append(found, newEntry(id, &h, onDisk(int(size))))
	}
	s.damaged(damaged)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range found {
		s.index.add(e)
		s.unchecked = append(s.unchecked, e.id)
	}
}

func (s *Store) damaged(n int) {
	if n == 0 {
		return
	}
	s.counts.drop(Damaged, n)
	s.log.Warn("quarantine: damaged files are deleted: they could never verify", "files", n)
}

// step does what is to be done, and returns when there is more.
func (s *Store) step(now time.Time) time.Duration {
	s.follow(now)
	if now.Sub(s.lookedAt) >= lookEvery || now.Before(s.lookedAt) {
		s.lookedAt = now
		was := s.noRoom
		if s.noRoom = room(s.buffer.Stats()); was != nil && s.noRoom == nil {
			s.well()
		}
		s.expire()
	}
	more := s.check(slice)
	wait := s.write(now)
	if more {
		return 0
	}
	return min(wait, lookEvery)
}

// follow puts settings in force: at once where nothing was kept before, else when they have stood for a while.
func (s *Store) follow(now time.Time) {
	settings, limits := s.settings.Load(), s.limits.Load()
	if settings != s.seen {
		s.seen, s.seenSince = settings, now
	}
	if limits == nil || !limits.On || now.Sub(s.seenSince) >= settleFor {
		s.limits.Store(settings)
	}
}

// room returns why nothing may be written, nil if it may.
func room(b buffer.Stats) error {
	switch {
	case b.Halted != nil:
		return errors.New("the buffer is halted")
	case b.Room != nil && *b.Room < leastRoom:
		return errors.New("the room that is left is the buffer's")
	}
	return nil
}

// expire removes what is too old, and what no longer fits after the settings have changed.
func (s *Store) expire() {
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
	if s.limits.Load().On {
		s.makeRoom("", 0, 0)
	}
}

// maxAge is how long one is kept: never longer than the buffer knows the ids of events.
func (s *Store) maxAge() time.Duration {
	most := s.limits.Load().MaxAge
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
	limits := s.limits.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.index.entries)+files <= limits.MaxCount && s.index.bytes+disk <= limits.MaxSize
}

// makeRoom removes what has to give way to so many files of a network, of so many bytes, as far as it can.
func (s *Store) makeRoom(network string, files int, disk int64) {
	for !s.fits(files, disk) {
		s.mu.Lock()
		victim := s.index.victim(network, disk)
		s.mu.Unlock()
		if victim == nil || !s.drop(victim, Displaced) {
			return
		}
	}
}

// check verifies some of what was not looked at since the tokens changed, and reports whether there are more.
func (s *Store) check(most int) (more bool) {
	for range most {
		s.mu.Lock()
		n, number := len(s.unchecked), s.tokens.Load().number
		if n == 0 {
			s.mu.Unlock()
			return false
		}
		e := s.index.entries[s.unchecked[n-1]]
		s.mu.Unlock()
		if e != nil {
			_, _, _, _ = s.verify(e) // what cannot be read now may be later
		}
		s.mu.Lock()
		if s.tokens.Load().number == number { // else it begins anew
			s.unchecked = s.unchecked[:n-1]
		}
		s.mu.Unlock()
	}
	return true
}

// verify reads a kept one, and notes the number of the token that it verifies under, 0 for none. A damaged one is gone.
func (s *Store) verify(e *entry) (h header, body []byte, token int, err error) {
	tokens := s.tokens.Load()
	file, err := s.files.read(fileName(e.id))
	if err == nil {
		h, body, err = decode(file)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.mu.Lock()
		s.index.remove(e)
		s.mu.Unlock()
		return header{}, nil, 0, fmt.Errorf("%w: %s", ErrNotFound, e.id)
	case errors.Is(err, errDamaged):
		if s.files.remove(fileName(e.id)) == nil {
			s.mu.Lock()
			s.index.remove(e)
			s.mu.Unlock()
			s.damaged(1)
		}
		return header{}, nil, 0, err
	case err != nil:
		return header{}, nil, 0, fmt.Errorf("reading what is kept: %w", err)
	}
	token = tokens.of(h.Source, body, h.Signature)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.generation <= tokens.number {
		e.token, e.generation = token, tokens.number
	}
	return h, body, token, nil
}

// fail notes why nothing can be kept. Attempts may be many, so only the first one is logged.
func (s *Store) fail(err error) {
	s.mu.Lock()
	first := s.failing == nil
	s.failing = err
	s.mu.Unlock()
	if first {
		s.log.Warn("quarantine: refused requests cannot be kept; receiving goes on as before", "error", err)
	}
}

// well notes that one was kept.
func (s *Store) well() {
	s.mu.Lock()
	was := s.failing
	s.failing = nil
	s.mu.Unlock()
	if was != nil {
		s.log.Info("quarantine: refused requests are kept again")
	}
}
