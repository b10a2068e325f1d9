package handlersfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/mistakes/*.hcl")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		content, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte(handlerText("a") + handlerText("b")))
	f.Add([]byte(fingerprinted))
	for _, line := range []string{
		`park_after = "6h"`, `park_after = 5`, `park_after = "1d12h30m"`, `park_after = 1e3`, `park_after = -1e-999`, `park_after = {}`,
		`start = "now"`, `start = "beginning"`, `start = "2026-03-01T00:00:00.5+01:00"`, `start = "9999-12-31T23:59:59-23:59"`, `start = "0000-01-01"`,
		"signals {\n stale = \"drop\"\n }", "signals {\n stale = \"\"\n }",
	} {
		f.Add([]byte(strings.Replace(handlerText("a"), "config", line+"\n config", 1)))
	}
	f.Add([]byte("\xef\xbb\xbfhandler \"a\" {\r\n}\r\n"))
	f.Add([]byte("\x00\xff"))

	name := filepath.Join(f.TempDir(), "handlers.hcl")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
		file, diags := Load([]string{name}, testOptions)
		var shown bytes.Buffer
		if err := file.Write(&shown, diags, false); err != nil {
			t.Fatalf("writing the diagnostics: %v", err)
		}
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Filename != name || d.Summary == "" {
				t.Fatalf("incomplete diagnostic: %+v", d)
			}
		}
		if (file.Error(diags) != nil) != diags.HasErrors() {
			t.Fatal("Error and the diagnostics disagree")
		}
		for _, d := range file.Handlers {
			check(t, d)
		}

		again, diagsAgain := Load([]string{name}, testOptions)
		if diff := cmp.Diff(lines(diags), lines(diagsAgain)); diff != "" {
			t.Fatalf("two loads differ:\n%s", diff)
		}
		for i := range file.Handlers {
			if file.Handlers[i].Fingerprint != again.Handlers[i].Fingerprint {
				t.Fatal("two loads have different fingerprints")
			}
		}
	})
}

// check reports whether a definition keeps what it promises to those who use it.
func check(t *testing.T, d Definition) {
	t.Helper()
	if d.Name == "" || len(d.Name) > maxNameLength || (d.Plugin == "") == (d.Command == "") || d.Config == nil || d.Fingerprint == "" {
		t.Fatalf("incomplete: %+v", d)
	}
	if d.Order != OrderVehicle && d.Order != OrderNone {
		t.Fatalf("order %q", d.Order)
	}
	if d.Stale != StaleDeliver && d.Stale != StaleMark && d.Stale != StaleDrop {
		t.Fatalf("stale %q", d.Stale)
	}
	if p := d.ParkAfter; p.Attempts < 0 || p.Attempts > parkAttemptsRange.max || p.Attempts > 0 && p.Age > 0 ||
		p.Age != 0 && (p.Age < parkAgeRange.min || p.Age > parkAgeRange.max) {
		t.Fatalf("park_after %+v", d.ParkAfter)
	}
	if s := d.Start; s.From != StartAt && !s.At.IsZero() || s.From != StartDefault && s.From != StartNow && s.From != StartBeginning && s.From != StartAt {
		t.Fatalf("start %+v", d.Start)
	}
	for _, n := range []struct {
		value  int
		within numbers
	}{
		{d.Concurrency, concurrencyRange},
		{d.Retry.MaxAttempts, maxAttemptsRange},
		{d.Breaker.Failures, failuresRange},
		{d.Batch.MaxEvents, maxEventsRange},
	} {
		if n.value < n.within.min || n.value > n.within.max {
			t.Fatalf("out of range: %+v", d)
		}
	}
	if d.Timeout < timeoutRange.min || d.Retry.MinDelay <= 0 || d.Retry.MinDelay > d.Retry.MaxDelay || d.Batch.MaxWait < 0 {
		t.Fatalf("out of range: %+v", d)
	}
}
