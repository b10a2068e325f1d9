package quarantine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kept is a refused request that is kept.
type Kept struct {
	ID      string
	Source  string
	Network string
	// ReceivedAt is when it came, and Code why it was refused.
	ReceivedAt time.Time
	Code       string
	// Size is that of the body.
	Size int
	// EventID and Mode are what the body claims, "" where that does not have the form of one.
	EventID, Mode string
	// Token is the number of the token that it verifies under now, 0 for none.
	Token int
}

// Detail is one with all of it.
type Detail struct {
	Kept
	Signature, ContentType string
	Body                   []byte
}

// List returns up to so many after an id, the oldest first, and the id to go on after, "" at the end.
func (s *Store) List(ctx context.Context, p Pick, after string, limit int) (list []Kept, next string, err error) {
	if err := s.isReady(ctx); err != nil {
		return nil, "", err
	}
	for _, e := range s.picked(p) {
		if e.id <= after {
			continue
		}
		if len(list) == limit {
			return list, list[limit-1].ID, nil
		}
		if !s.isChecked(e) {
			_, _, _, err := s.verify(e)
			if errors.Is(err, errDamaged) || errors.Is(err, ErrNotFound) {
				continue
			}
		}
		if ctx.Err() != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrNotReady, ctx.Err())
		}
		list = append(list, s.view(e))
	}
	return list, "", nil
}

// Show returns one with all of it. Errors: ErrNotFound.
func (s *Store) Show(ctx context.Context, id string) (Detail, error) {
	if err := s.isReady(ctx); err != nil {
		return Detail{}, err
	}
	all := s.picked(Pick{IDs: []string{id}})
	if len(all) == 0 {
		return Detail{}, ErrNotFound
	}
	h, body, _, err := s.verify(all[0])
	if err != nil {
		return Detail{}, err
	}
	return Detail{Kept: s.view(all[0]), Signature: h.Signature, ContentType: h.ContentType, Body: body}, nil
}

func (s *Store) picked(p Pick) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.sorted(p)
}

func (s *Store) isChecked(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.generation == s.tokens.Load().number
}

func (s *Store) view(e *entry) Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Kept{
		ID: e.id, Source: e.source, Network: e.network, ReceivedAt: e.received, Code: e.code, Size: e.size,
		EventID: e.eventID, Mode: e.mode, Token: e.token,
	}
}
