package sdk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// teller reports what an event's payload says: "NAME TEXT" stands, "NAME" is over.
func teller() *sdk.Plugin {
	return sdk.NewSimple("teller", func(ctx context.Context, e *sdk.Event) error {
		for line := range strings.Lines(string(e.Payload)) {
			name, text, stands := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if stands {
				sdk.Report(ctx, sdk.Condition{Name: name, Text: text, Advice: "look"})
			} else {
				sdk.Clear(ctx, name)
			}
		}
		return nil
	})
}

func tell(t *testing.T, host *sdktest.Host, lines ...string) {
	t.Helper()
	if got := host.Handle(t.Context(), sdktest.Event([]byte(strings.Join(lines, "\n"))))[0]; got.Status != sdk.StatusDone {
		t.Fatalf("%+v", got)
	}
}

// standing is what stands now, each as "name text".
func standing(t *testing.T, host *sdktest.Host) []string {
	t.Helper()
	for list := range host.Conditions(t.Context()) {
		names := []string{}
		for _, c := range list {
			names = append(names, c.Name+" "+c.Text)
		}
		return names
	}
	t.Fatal("nothing was told")
	return nil
}

func TestConditionsStandUntilTheyAreCleared(t *testing.T) {
	host := sdktest.Start(t, teller(), nil)
	steps := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"none", nil, []string{}},
		{"two", []string{"disk_slow very", "refused by a.example"}, []string{"disk_slow very", "refused by a.example"}},
		{"the same", []string{"disk_slow very"}, []string{"disk_slow very", "refused by a.example"}},
		{"another text", []string{"disk_slow a little"}, []string{"disk_slow a little", "refused by a.example"}},
		{"one is over", []string{"disk_slow"}, []string{"refused by a.example"}},
		{"over twice", []string{"disk_slow", "never_stood"}, []string{"refused by a.example"}},
		{"bad names", []string{"Disk big", "wvwzzz1jz3w386752 car", strings.Repeat("a", 65) + " long"}, []string{"refused by a.example"}},
		{"not UTF-8, and long", []string{"refused " + strings.Repeat("\xff.", 400)}, []string{"refused " + strings.Repeat("\ufffd.", 125)}},
	}
	for _, s := range steps {
		tell(t, host, s.lines...)
		if got := standing(t, host); !slices.Equal(got, s.want) {
			t.Errorf("%s: %q, want %q", s.name, got, s.want)
		}
	}
}

func TestConditionsAreBounded(t *testing.T) {
	host := sdktest.Start(t, teller(), nil)
	var lines []string
	for i := range 40 {
		lines = append(lines, strings.Repeat("a", i+1)+" "+strings.Repeat("x", 600))
	}
	tell(t, host, lines...)
	got := standing(t, host)
	if len(got) != 16 || len(got[0]) != len("a ")+500 {
		t.Errorf("%d conditions, %d bytes", len(got), len(got[0]))
	}
}

// A change is told to who listens already, and the last one of many that come fast is not lost.
func TestConditionsAreToldAsTheyChange(t *testing.T) {
	host := sdktest.Start(t, teller(), nil)
	messages := 0
	for list := range host.Conditions(t.Context()) {
		messages++
		switch {
		case messages == 1:
			for i := range 50 {
				tell(t, host, fmt.Sprintf("counting %d", i))
			}
		case len(list) != 1:
			t.Errorf("message %d: %+v", messages, list)
		case list[0].Text == "49":
			return
		}
	}
	t.Error("the last change was not told")
}

// A host that never asks, as older ones do, is served like any other.
func TestConditionsWithAnOldHost(t *testing.T) {
	host := sdktest.Start(t, teller(), nil)
	for i := range 100 {
		tell(t, host, fmt.Sprintf("counting %d", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := host.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// Stopping does not wait for a host that listens.
func TestConditionsEndWithThePlugin(t *testing.T) {
	host := sdktest.Start(t, teller(), nil)
	for range host.Conditions(t.Context()) {
		if err := host.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Who reports in a context of his own gets no panic.
func TestReportInAnotherContext(t *testing.T) {
	sdk.Report(t.Context(), sdk.Condition{Name: "a", Text: "b"})
	sdk.Clear(t.Context(), "a")
}
