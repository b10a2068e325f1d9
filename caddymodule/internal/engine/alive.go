package engine

import (
	"errors"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	// lookEvery is how often is looked whether events can be taken, lookFirst until they can for the first time.
	// noteEvery is how often that is noted beside them: by so much a downtime may seem longer than it was.
	lookEvery = time.Second
	lookFirst = 100 * time.Millisecond
	noteEvery = 5 * time.Second
)

// Presence is told when events can be taken.
type Presence interface {
	// LastAlive says, before each attempt to open the buffer, when events could last be taken, by the wall clock; the
	// zero time: never. With an error that is not known.
	LastAlive(at time.Time, err error)
	// Alive says that events can be taken now. It is called again and again.
	Alive()
}

// readAlive asks what was noted before the buffer is opened, which replaces it.
func (s *store) readAlive(opener buffer.Opener) {
	if reader, ok := opener.(buffer.AliveReader); ok && s.presence != nil {
		s.presence.LastAlive(reader.LastAlive())
	}
}

// keepAlive begins to look whether events can be taken, and to note it, until stopAlive.
func (s *store) keepAlive(b buffer.Buffer) {
	if s.presence == nil {
		return
	}
	s.endAlive = make(chan struct{})
	s.looking.Go(func() { s.lookAlive(b) })
}

func (s *store) lookAlive(b buffer.Buffer) {
	var noted, seen time.Time
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-s.endAlive:
			if s.takes(b) {
				seen = time.Now()
			}
			if seen.After(noted) {
				s.noteAlive(b, seen)
			}
			return
		}
		next.Reset(lookEvery)
		switch now := time.Now(); {
		case s.takes(b):
			s.presence.Alive()
			seen = now
			if noted.IsZero() || now.Sub(noted) >= noteEvery {
				noted = now
				s.noteAlive(b, now)
			}
		case seen.IsZero():
			next.Reset(lookFirst)
		}
	}
}

// stopAlive ends that with a last note, before the buffer is closed.
func (s *store) stopAlive() {
	if s.endAlive != nil {
		close(s.endAlive)
		s.looking.Wait()
	}
}

// takes reports whether requests come, and the buffer has room for events.
func (s *store) takes(b buffer.Buffer) bool {
	if s.listening != nil && !s.listening() {
		return false
	}
	stats := b.Stats()
	return stats.Halted == nil && stats.Full == nil
}

// noteAlive logs each cause of a failure once: events are taken all the same.
func (s *store) noteAlive(b buffer.Buffer, at time.Time) {
	noter, ok := b.(buffer.AliveNoter)
	if !ok {
		return
	}
	if b.Stats().ClockJump.By != 0 {
		at = time.Time{}
	}
	err := noter.NoteAlive(at)
	if errors.Is(err, buffer.ErrClosed) || errors.Is(err, buffer.ErrHalted) {
		return
	}
	before := s.noteFailed
	s.noteFailed = err
	if err != nil && (before == nil || before.Error() != err.Error()) {
		s.log.Warn("after the next start it will not be known for how long nothing could be received",
			"error", text.FirstLine(err.Error()))
	}
}
