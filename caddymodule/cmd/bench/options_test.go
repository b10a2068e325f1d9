package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

func TestOptionsThatCannotBeMeant(t *testing.T) {
	t.Setenv(report.Folder, "")
	for args, want := range map[string]string{
		"-stored 5000,1000":           "must grow",
		"-stored 1000,x":              "no number",
		"-stored 0":                   "no number",
		"-only drains":                "no such part",
		"-only growth":                "wants -stored or -steady",
		"-only delivering -backlog 0": "nothing to do",
		"-rounds 0":                   "at least 1",
		"-phase 1ms":                  "at least 100ms",
		"-steady 1s":                  "at least",
		"-steady 1m -steady-rate 0":   "above 0",
		"-size 1000000":               "204800",
		"-report":                     report.Folder,
		"receiving":                   "no option",
	} {
		t.Run(args, func(t *testing.T) {
			_, err := parseOptions(strings.Fields(args))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q in it", err, want)
			}
		})
	}
}

// What is given goes before the settings of a full run, and the command that a report
// names repeats the run without naming this machine's folders.
func TestFullRun(t *testing.T) {
	t.Setenv(report.Folder, t.TempDir())
	o, err := parseOptions(strings.Fields("-report -phase 2s -dir /somewhere -stored 70,900 -only growth"))
	if err != nil {
		t.Fatal(err)
	}
	if o.phase != 2*time.Second || o.rounds != 5 || o.large != 1_000_000 || o.steady != 10*time.Minute {
		t.Errorf("options %+v", o)
	}
	if diff := cmp.Diff(sizes{70, 900}, o.stored); diff != "" || o.stored.most() != 900 {
		t.Error(diff)
	}
	if want := "go run ./caddymodule/cmd/bench -only growth -phase 2s -report -stored 70,900"; o.command != want {
		t.Errorf("command %q, want %q", o.command, want)
	}
}

func TestParts(t *testing.T) {
	for args, want := range map[string]string{
		"":                            "receiving delivering",
		"-backlog 0":                  "receiving",
		"-stored 10":                  "receiving delivering growth",
		"-steady 1m -only growth":     "growth",
		"-stored 10 -only receiving":  "receiving",
		"-stored 10 -only delivering": "delivering",
		"-steady 1m -backlog 0":       "receiving growth",
		"-only observing":             "observing",
	} {
		t.Run(args, func(t *testing.T) {
			o, err := parseOptions(strings.Fields(args))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, part := range []string{partReceiving, partDelivering, partGrowth, partObserving} {
				if o.wants(part) {
					got = append(got, part)
				}
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
