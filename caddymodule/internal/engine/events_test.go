package engine

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestEventsByPage(t *testing.T) {
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.append("v:1", "w:2", "v:3", "w:4", "v:5")
	for _, tt := range []struct {
		name   string
		filter Filter
		page   Page
		want   string // pages
	}{
		{"all", Filter{}, Page{}, "v:1 w:2 v:3 w:4 v:5"},
		{"two a page", Filter{}, Page{Limit: 2}, "v:1 w:2|v:3 w:4|v:5"},
		{"the limit fits", Filter{Vehicle: "w"}, Page{Limit: 2}, "w:2 w:4"},
		{"backwards", Filter{}, Page{Limit: 2, Backwards: true}, "v:5 w:4|v:3 w:2|v:1"},
		{"one vehicle backwards", Filter{Vehicle: "v"}, Page{Limit: 1, Backwards: true}, "v:5|v:3|v:1"},
		{"by id and source", Filter{Source: "test", EventIDs: []string{"w:4", "w:2", "nope"}}, Page{}, "w:2 w:4"},
		{"by an id that is not there", Filter{Source: "test", EventIDs: []string{"nope"}}, Page{}, ""},
		{"after the end", Filter{}, Page{After: 5}, ""},
		{"after all positions", Filter{}, Page{After: math.MaxUint64}, ""},
		{"before the beginning", Filter{}, Page{After: 1, Backwards: true}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pages []string
			for p := tt.page; ; {
				got, err := r.e.Events(ctx, tt.filter, p)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, ev := range got.Events {
					ids = append(ids, ev.ID)
				}
				pages = append(pages, strings.Join(ids, " "))
				if p.After = got.Next; p.After == 0 {
					break
				}
			}
			if got := strings.Join(pages, "|"); got != tt.want {
				t.Errorf("pages %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := r.e.Events(ctx, Filter{Handler: "h"}, Page{}); err == nil {
		t.Error("a handler was taken for a filter of events")
	}
	if _, err := r.e.Events(ctx, Filter{}, Page{Limit: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
	c, err := r.e.CountEvents(ctx, Filter{Vehicle: "v"})
	if err != nil || c.Total != 3 || c.First != 1 || c.Last != 5 || c.ByType["VEHICLE_STATE"] != 3 || c.Newest.Before(c.Oldest) {
		t.Errorf("counted %+v, %v", c, err)
	}
}

func TestOneEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*time.Second)
	ctx := context.Background()
	r.apply("one", r.defs(handler("done", "")+handler("stuck", "gate = \""+r.dir+"/gate\"")))
	r.append("v:1")
	r.settled("done")
	position, err := r.e.Lookup(ctx, "test", "v:1")
	if err != nil {
		t.Fatal(err)
	}
	ev, states, err := r.e.Event(ctx, position)
	if err != nil || ev.ID != "v:1" || len(states) != 2 {
		t.Fatalf("event %+v, states %+v, %v", ev, states, err)
	}
	if states[0].Phase != buffer.PhaseSettled || states[1].Phase != buffer.PhasePending {
		t.Errorf("states %+v", states)
	}
	r.touch("gate")
	if _, err := r.e.Lookup(ctx, "test", "v:2"); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("an id that is not there: %v", err)
	}
	if _, _, err := r.e.Event(ctx, position+1); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("a position that is not there: %v", err)
	}
}
