package status

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func TestHeadroom(t *testing.T) {
	const never = -1 * time.Second
	type look struct {
		at          time.Duration
		limit, room uint64
		want        time.Duration
	}
	for _, tc := range []struct {
		name  string
		looks []look
	}{
		{"nothing to compare with", []look{{0, 1000, 900, never}}},
		{"it shrinks", []look{{0, 1000, 900, never}, {20 * time.Second, 1000, 700, 70 * time.Second}}},
		{"it stays", []look{{0, 1000, 900, never}, {time.Minute, 1000, 900, never}}},
		{"it grows", []look{{0, 1000, 900, never}, {time.Minute, 1000, 950, never}}},
		{"there is none", []look{{0, 1000, 0, 0}}},
		{"a moment says nothing", []look{{0, 1000, 900, never}, {time.Second, 1000, 700, never}}},
		{"another limit is no growth", []look{{0, 1000, 900, never}, {time.Minute, 500, 400, never}, {2 * time.Minute,
			500, 200, time.Minute}}},
		{"what was long ago is forgotten", []look{
			{0, 1000, 1000, never}, {5 * time.Minute, 1000, 500, 5 * time.Minute}, {10 * time.Minute, 1000, 500, never},
		}},
		{"who asks seldom is answered too", []look{{0, 7200, 7200, never}, {time.Hour, 7200, 3600, time.Hour}}},
		{"who asks often keeps nothing else from being seen", []look{
			{0, 1000, 900, never}, {4 * time.Second, 1000, 880, never}, {8 * time.Second, 1000, 860, never},
			{12 * time.Second, 1000, 840, 168 * time.Second},
		}},
		{"for ages", []look{{0, 1 << 62, 1 << 62, never}, {time.Minute, 1 << 62, 1<<62 - 1024, longest}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w HeadroomWatch
			for _, l := range tc.looks {
				b := api.Buffer{LimitBytes: l.limit, HeadroomBytes: &l.room}
				w.Add(noon.Add(l.at), &b)
				got := never
				if b.HeadroomSeconds != nil {
					got = time.Duration(*b.HeadroomSeconds * float64(time.Second))
				}
				if got != l.want {
					t.Errorf("after %s with %d left: %s, want %s", l.at, l.room, got, l.want)
				}
			}
		})
	}
}

// Looks are kept for some minutes only.
func TestHeadroomIsBounded(t *testing.T) {
	var w HeadroomWatch
	for i := range 100_000 {
		w.look(noon.Add(time.Duration(i)*time.Second), 1000, 500)
	}
	if n := len(w.looks); n > 40 {
		t.Errorf("%d looks are kept", n)
	}
}
