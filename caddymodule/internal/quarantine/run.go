package quarantine

import (
	"errors"
	"fmt"
	"time"
)

const (
	// lookEvery is how often ages are looked at, and whether there is room.
	lookEvery = 10 * time.Second
	// waitForce is how often is looked whether the first config is in force.
	waitForce = time.Second
	// slice is how many are verified, or written, in one step.
	slice = 32
	// checkEvery is the least time from one slice that is verified to the next one.
	checkEvery = 50 * time.Millisecond
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
	damaged, skipped := 0, 0
	for _, name := range names {
		id, ok := idOf(name)
		if !ok {
			continue // nobody knows whose it is
		}
		data, size, err := s.files.head(name)
		if err != nil {
			skipped++ // the disk may be well again at the next start
			continue
		}
		h, _, _, err := decodeHead(data, size)
		switch {
		case errors.Is(err, errLater):
			skipped++
			continue
		case err != nil:
			damaged++
			_ = s.files.remove(name)
			continue
		}
		h.Stamp = min(h.Stamp, now)
		found = append(found, newEntry(id, &h, onDisk(int(size))))
	}
	s.damaged(damaged)
	if skipped > 0 {
		s.log.Warn("quarantine: files that cannot be read, or that a later version wrote, are left alone", "files", skipped)
	}
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
	s.follow()
	if isDue(now, s.lookedAt, lookEvery) {
		s.lookedAt = now
		s.lookForRoom()
		s.expire()
		s.checkAgain()
	}
	wait := checkEvery
	if isDue(now, s.checkedAt, checkEvery) {
		s.checkedAt = now
		if !s.check(slice) {
			wait = lookEvery
		}
	}
	return min(wait, s.write(now))
}

// isDue reports whether something is to be done again. A clock that was set back makes it due.
func isDue(now, last time.Time, every time.Duration) bool {
	return now.Sub(last) >= every || now.Before(last)
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
