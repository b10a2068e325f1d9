package status

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// What a plugin reports needs attention, with what to do. The words of a program that is not ours are known apart, its
// advice too, so that they stay on the machine.
func TestWordsOfConditionsAreKnownApart(t *testing.T) {
	full, short := api.Condition{Name: "disk_slow", Text: "the disk is slow", Advice: "look at it"}, api.Condition{Name: "refused", Text: "no"}
	const ends = "see to it; it ends when crm says that it is over"
	item := func(name, what, do, said string) api.Attention {
		return api.Attention{Kind: api.HandlerTrouble, Level: api.LevelWarning, Handler: "crm", About: name, What: what, Do: do, Said: said}
	}
	tests := map[string]struct {
		bundled bool
		want    []api.Attention
	}{
		"a bundled plugin": {true, []api.Attention{
			item("disk_slow", "crm reports disk_slow: the disk is slow", "look at it", ""), item("refused", "crm reports refused: no", ends, ""),
		}},
		"another program": {false, []api.Attention{
			item("disk_slow", "crm reports disk_slow: the disk is slow: look at it", ends, "the disk is slow: look at it"),
			item("refused", "crm reports refused: no", ends, "no"),
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := api.Handler{Name: "crm", Bundled: tt.bundled, Conditions: []api.Condition{full, short}}
			list := conditionAttention(&h)
			if diff := cmp.Diff(tt.want, list); diff != "" {
				t.Error(diff)
			}
			v := api.Status{Handlers: []api.Handler{h}, Attention: list}
			LeaveOut(&v)
			for _, words := range []string{v.Attention[0].What, v.Handlers[0].Conditions[0].Text, v.Handlers[0].Conditions[0].Advice} {
				if leaves := strings.Contains(words, "the disk") || words == "look at it"; leaves != tt.bundled {
					t.Errorf("a bundle has %q", words)
				}
			}
			if v.Handlers[0].Conditions[0].Name != "disk_slow" {
				t.Error("the name is left out")
			}
		})
	}
}
