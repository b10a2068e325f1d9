package pluginhost

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

const (
	reported = "handler reports trouble"
	isOver   = "trouble that the handler reported is over"
	askAgain = "plugin does not go on telling its conditions; it is asked again"
)

// What a plugin of package sdk reports stands until it says that it is over, or its process ends.
func TestConditionsComeAndGo(t *testing.T) {
	t.Parallel()
	log := newJournal()
	p := newPlugin(t, roleSpec(t, log, "sdk"))
	mustStart(t, p)
	tell := func(what string) {
		t.Helper()
		if _, err := p.Handle(testContext(t), deliveries(what)); err != nil {
			t.Fatal(err)
		}
	}
	tell("report")
	rec := log.await(t, "the report", message(reported))
	if rec["condition"] != "disk_slow" || rec["what"] != "the disk is slow" || rec["do"] != "look at it" || rec["handler"] != "h1" {
		t.Errorf("logged %v", rec)
	}
	list := p.State().Conditions
	if len(list) != 1 || list[0].Name != "disk_slow" || list[0].Since.IsZero() {
		t.Fatalf("it stands: %+v", list)
	}
	tell("clear")
	log.await(t, "the end", message(isOver))
	if list := p.State().Conditions; len(list) != 0 {
		t.Errorf("it is over: %+v", list)
	}
	tell("report")
	log.awaitN(t, 2, "the second report", message(reported))
	if _, err := p.Handle(testContext(t), deliveries("crash")); err == nil {
		t.Error("it has not crashed")
	}
	if list := p.State().Conditions; len(list) != 0 {
		t.Errorf("after the end of the process: %+v", list)
	}
}

// A plugin that does not know the call is asked once, and nobody hears of it.
func TestOldPluginHasNoConditions(t *testing.T) {
	t.Parallel()
	log := newJournal()
	p := newPlugin(t, fakeSpec(t, log))
	mustStart(t, p)
	p.followConditions(testContext(t), p.current()) // returns: it is not asked again
	if result, err := p.Handle(testContext(t), deliveries("done")); err != nil || len(result) != 1 {
		t.Errorf("%v, %v", result, err)
	}
	for _, rec := range log.snapshot() {
		if rec["msg"] == askAgain {
			t.Errorf("logged %v", rec)
		}
	}
}

// Whatever a plugin does with the stream, it goes on to take events, and what it has told stands.
func TestStreamOfConditionsThatBreaks(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"ends", "too much", "never stops"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			log := newJournal()
			p := newPlugin(t, fakeSpec(t, log, `tells=[[{"name":"first","text":"one"}]]`, "then="+then))
			mustStart(t, p)
			if then == "never stops" {
				log.awaitN(t, conditionsBurst, "as many as are read at once", message("handler reports trouble anew"))
			} else {
				log.await(t, "that it is asked again", message(askAgain))
			}
			if list := p.State().Conditions; len(list) != 1 {
				t.Errorf("it stands: %+v", list)
			}
			if result, err := p.Handle(testContext(t), deliveries("done")); err != nil || len(result) != 1 {
				t.Errorf("%v, %v", result, err)
			}
		})
	}
}

// The bounds, and what a terminal shows, hold whatever a plugin sends.
func TestToConditions(t *testing.T) {
	many := make([]*handlerv1.Condition, 0, 2*maxConditions)
	for i := range 2 * maxConditions {
		many = append(many, &handlerv1.Condition{Name: strings.Repeat("a", i+1)})
	}
	long := strings.Repeat("ä", maxConditionText)
	tests := map[string]struct {
		told []*handlerv1.Condition
		want []string // as name: text: advice
	}{
		"none":         {nil, nil},
		"an odd name":  {[]*handlerv1.Condition{{Name: "A b", Text: "x"}, {Name: "", Text: "x"}, {Name: "wvw1", Text: "x"}}, nil},
		"twice":        {[]*handlerv1.Condition{{Name: "a", Text: "x"}, {Name: "a", Text: "y"}}, []string{"a: x: "}},
		"a long name":  {[]*handlerv1.Condition{{Name: strings.Repeat("a", 65)}}, nil},
		"only advice":  {[]*handlerv1.Condition{{Name: "a", Advice: "look"}}, []string{"a: look: "}},
		"nil":          {[]*handlerv1.Condition{nil}, nil},
		"for a screen": {[]*handlerv1.Condition{{Name: "a", Text: "\x1b[2Jred\r\nline\u202e", Advice: "\x07"}}, []string{"a: ?[2Jred  line?: ?"}},
		"long":         {[]*handlerv1.Condition{{Name: "a", Text: long}}, []string{"a: " + long[:maxConditionText-4] + "…: "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range toConditions(tt.told) {
				got = append(got, c.Name+": "+c.Text+": "+c.Advice)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	if got := len(toConditions(many)); got != maxConditions {
		t.Errorf("%d of many, want %d", got, maxConditions)
	}
}

func FuzzToConditions(f *testing.F) {
	f.Add("disk_slow", "the disk is slow", "look at it")
	f.Add("a", "\x1b]0;title\x07", "\u2028\u202e\xff")
	f.Fuzz(func(t *testing.T, name, what, advice string) {
		for _, c := range toConditions([]*handlerv1.Condition{{Name: name, Text: what, Advice: advice}}) {
			for _, s := range []string{c.Name, c.Text, c.Advice} {
				if len(s) > maxConditionText || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%q", s)
				}
			}
			if _, err := json.Marshal(c); err != nil {
				t.Error(err)
			}
		}
	})
}
