package quarantine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// write writes what waits, as fast as it may, and returns when it may go on. What is looked at and not kept counts as
// written, so that a flood of it costs no more of the processor either.
func (s *Store) write(now time.Time) time.Duration {
	limits := s.limits.Load()
	if limits == nil {
		return waitForce
	}
	limit := limits.MaxRate
	if s.pace.Limit() != rate.Limit(limit) {
		s.pace = rate.NewLimiter(rate.Limit(limit), int(max(limit, onDisk(longestBody+headRead))))
	}
	for range slice {
		if s.next == nil {
			if s.next = s.queue.pop(); s.next == nil {
				return lookEvery
			}
		}
		turn := s.pace.ReserveN(now, int(cost(s.next)))
		if wait := turn.DelayFrom(now); wait > 0 {
			turn.CancelAt(now)
			return wait
		}
		s.put(s.next)
		s.next = nil
	}
	return 0
}

// put keeps a request, or counts why not.
func (s *Store) put(r *Request) {
	h, why := s.examine(r)
	if h == nil {
		s.counts.drop(why, 1)
		return
	}
	file, err := encode(h, r.Body)
	if err == nil {
		err = s.keep(h, file, r.Body)
	}
	if err != nil {
		s.counts.drop(Disk, 1)
		s.fail(err)
		return
	}
	s.well()
}

// examine makes the header of a request, or says why it is not kept.
func (s *Store) examine(r *Request) (*header, Reason) {
	if err := s.mayWrite(0); err != nil {
		s.fail(err)
		return nil, Disk
	}
	if intake.IsChallenge(r.Body) {
		return nil, NoEvent
	}
	envelope, err := smartcar.ParseEnvelope(r.Body)
	if err == nil && !intake.IsEvent(&envelope) {
		return nil, NoEvent
	}
	e := buffer.Event{Body: r.Body}
	intake.Complete(&e, &envelope, err)
	h := &header{
		Source: r.Source, Stamp: s.clock.Now(), ReceivedAt: r.At.UTC(), Code: r.Code, Signature: r.Signature,
		ContentType: plainType(r.ContentType), Network: r.Network, Size: len(r.Body),
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q", r.Source, e.ID, e.Digest, r.Network))
	h.Key = hex.EncodeToString(sum[:12])
	claims := intake.ClaimsOf(&envelope)
	h.EventID, h.Mode = claims.EventID, claims.Mode
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index.keys[h.Key] {
		return nil, Repeat
	}
	return h, 0
}

// keep writes a file.
func (s *Store) keep(h *header, file, body []byte) error {
	size := onDisk(len(file))
	if err := s.mayWrite(size); err != nil {
		return err
	}
	s.makeRoom(h.Network, 1, size)
	if !s.fits(1, size) {
		return errNoRemoval
	}
	id := newID(h.Stamp)
	s.spent += size
	if err := s.files.write(fileName(id), file); err != nil {
		return err
	}
	e := newEntry(id, h, size)
	tokens := s.tokens.Load()
	e.token, e.generation = tokens.of(h.Source, body, h.Signature), tokens.number
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.add(e)
	if s.tokens.Load().number != tokens.number { // they had no look at it
		s.unchecked = append(s.unchecked, id)
	}
	s.counts.kept.Add(1)
	s.counts.bytes.Add(uint64(size))
	return nil
}

// flush writes what waits at the end.
func (s *Store) flush() {
	s.follow()
	s.lookForRoom()
	for r := s.next; ; r = s.queue.pop() {
		if r != nil {
			s.put(r)
		} else if s.queue.empty() {
			return
		}
	}
}
