package quarantine

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	// attemptsFor is within what time of a refused attempt Smartcar makes its last one, and some more.
	attemptsFor = 5 * time.Minute
	// mostLooks bounds how often one is looked at again in that time, also where a clock is wrong.
	mostLooks = int(attemptsFor / lookEvery)
)

// check verifies some of what was not looked at since the tokens changed, and reports whether there are more.
func (s *Store) check(most int) (more bool) {
	for range most {
		s.mu.Lock()
		n, number := len(s.unchecked), s.tokens.Load().number
		id := ""
		if n > 0 {
			id = s.unchecked[n-1]
		}
		s.mu.Unlock()
		if n > 0 {
			failed := s.checkOne(id)
			s.mu.Lock()
			if s.tokens.Load().number == number { // else it begins anew
				s.unchecked = s.unchecked[:n-1]
				if failed {
					s.failed = append(s.failed, id)
				}
			}
			s.mu.Unlock()
			continue
		}
		n = len(s.again)
		if n == 0 {
			return false
		}
		s.checkOne(s.again[n-1])
		s.again = s.again[:n-1]
	}
	return true
}

// checkOne verifies one, and reports whether it could not be read, which may pass.
func (s *Store) checkOne(id string) (failed bool) {
	s.mu.Lock()
	e := s.index.entries[id]
	s.mu.Unlock()
	if e == nil {
		return false
	}
	h, body, token, err := s.verify(e)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, errDamaged):
		return false
	case err != nil:
		return true
	case token > 0:
		s.lookUp(e, &h, body)
	}
	return false
}

// lookUp looks whether the buffer has the event of one that verifies, since it took a later attempt. If that has the same
// contents nothing is left to be released, and this one goes.
func (s *Store) lookUp(e *entry, h *header, body []byte) {
	event, ok := eventOf(h, body)
	if !ok {
		return
	}
	position, err := s.buffer.Lookup(s.life, event.Source, event.ID)
	if err != nil {
		return // there is none, or nobody can tell
	}
	stored, err := s.buffer.Event(s.life, position)
	switch {
	case err != nil: // it is trimmed: nobody can tell its contents
		s.mu.Lock()
		e.stored = true
		s.mu.Unlock()
	case stored.Digest == event.Digest:
		s.drop(e, Repeat)
	}
}

// checkAgain has looked again at what could not be read, and at what Smartcar may have sent since with success.
func (s *Store) checkAgain() {
	since := s.clock.Ago(attemptsFor)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unchecked = append(s.unchecked, s.failed...)
	s.failed = nil
	if len(s.again) > 0 {
		return
	}
	for id, e := range s.index.entries {
		if e.isReleasable() && e.stamp >= since && e.looks < mostLooks {
			e.looks++
			s.again = append(s.again, id)
		}
	}
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
