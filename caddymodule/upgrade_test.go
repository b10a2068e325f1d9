package caddymodule_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page of upgrades shows the report's figures as they are; -update writes them anew.
func TestUpgradePageShowsTheReport(t *testing.T) {
	const file = "docs/upgrade.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile("docs/reports/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(report), "\n| figure | value |\n")
	table, _, ok2 := strings.Cut(table, "\n\n")
	before, rest, ok3 := strings.Cut(string(page), figuresBegin)
	got, after, ok4 := strings.Cut(rest, figuresEnd)
	if !ok || !ok2 || !ok3 || !ok4 {
		t.Fatal("the report has no figures, or the page no marks")
	}
	want := "| figure | value |\n" + table + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(before+figuresBegin+want+figuresEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-report +page (run with -update):\n%s", diff)
	}
}
