package alert

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// item is one thing that needs attention, as it was seen last.
type item struct {
	api.Attention
	// since is when it was first seen, seen when it was last.
	since, seen time.Time
}

// standing is what stands, by its id. What is gone for no longer than hold is in it too: if it comes back it has stood
// since it first came.
type standing struct {
	items map[string]*item
	at    time.Time // of the newest look
}

// look takes what needs attention now.
func (s *standing) look(now time.Time, list []api.Attention, hold time.Duration) {
	s.at = now
	if s.items == nil {
		s.items = map[string]*item{}
	}
	for i := range list {
		id := list[i].ID()
		it := s.items[id]
		switch {
		case it != nil:
			it.Attention, it.seen = list[i], now
		case len(s.items) < mostItems:
			s.items[id] = &item{list[i], now, now}
		}
	}
	for id, it := range s.items {
		if now.Sub(it.seen) >= hold {
			delete(s.items, id)
		}
	}
}

// stands returns an item that was there at the newest look, nil if it was not.
func (s *standing) stands(id string) *item {
	if it := s.items[id]; it != nil && it.seen.Equal(s.at) {
		return it
	}
	return nil
}

// count is how many things stand that rules want.
func (s *standing) count(rules Rules) int {
	n := 0
	for _, it := range s.items {
		if it.seen.Equal(s.at) && rules.wants(&it.Attention) {
			n++
		}
	}
	return n
}
