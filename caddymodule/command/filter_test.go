package command

import (
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func TestAbsoluteTime(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	now := noon.In(zone)
	for text, want := range map[string]string{
		"":                          "",
		"2h":                        "2026-03-01T10:00:00Z",
		"3d":                        "2026-02-26T12:00:00Z",
		"90m":                       "2026-03-01T10:30:00Z",
		"2026-03-01T15:04:05Z":      "2026-03-01T15:04:05Z",
		"2026-03-01T15:04:05+01:00": "2026-03-01T14:04:05Z",
		"2026-03-01 10:00:05":       "2026-03-01T08:00:05Z",
		"2026-03-01 10:00":          "2026-03-01T08:00:00Z",
		"2026-03-01":                "2026-02-28T22:00:00Z",
	} {
		got, err := absoluteTime("--since", text, now)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-2h", "12", "0", "0s", "2026-13-01"} {
		if got, err := absoluteTime("--since", text, now); err == nil || !strings.Contains(err.Error(), "--since") {
			t.Errorf("%q: %q, %v; want an error that names the flag", text, got, err)
		}
	}
}

// Pages may be short, or empty, and yet have a next one.
func TestCollect(t *testing.T) {
	pages := []api.Page[int]{{Items: []int{1, 2}, NextCursor: "a"}, {NextCursor: "b"}, {Items: []int{3, 4}, NextCursor: "c"}, {Items: []int{5}}}
	for limit, want := range map[int]struct {
		items int
		next  string
	}{2: {2, "a"}, 3: {4, "c"}, 4: {4, "c"}, 50: {5, ""}} {
		asked := 0
		got, err := collect(listFlags{limit: limit}, url.Values{}, func(q url.Values) (api.Page[int], error) {
			if asked > 0 && q.Get("cursor") != pages[asked-1].NextCursor {
				t.Errorf("asked with cursor %q", q.Get("cursor"))
			}
			if n, err := strconv.Atoi(q.Get("limit")); err != nil || n < 1 || n > limit {
				t.Errorf("asked with limit %q", q.Get("limit"))
			}
			asked++
			return pages[asked-1], nil
		})
		if err != nil || len(got.Items) != want.items || got.NextCursor != want.next {
			t.Errorf("limit %d: %+v, %v; want %+v", limit, got, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := collect(listFlags{limit: 1}, url.Values{}, func(url.Values) (api.Page[int], error) { return api.Page[int]{}, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestConfirmation(t *testing.T) {
	tests := []struct {
		name          string
		yes, terminal bool
		answer        string
		want          error
	}{
		{"--yes", true, false, "", nil},
		{"nobody to ask", false, false, "y\n", errNobodyToAsk},
		{"yes", false, true, "Yes\n", nil},
		{"y", false, true, "y\n", nil},
		{"no", false, true, "n\n", errNotConfirmed},
		{"nothing", false, true, "\n", errNotConfirmed},
		{"end of input", false, true, "", errNotConfirmed},
		{"something else", false, true, "yessir\n", errNotConfirmed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked strings.Builder
			c := confirmation{yes: tt.yes, terminal: tt.terminal, in: strings.NewReader(tt.answer), out: io.Writer(&asked)}
			if err := c.ask("Drop 3 dead letters for good?"); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if tt.terminal != strings.Contains(asked.String(), "Drop 3 dead letters for good? [y/N]") {
				t.Errorf("asked %q", asked.String())
			}
		})
	}
}
