package caddymodule_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// contributingRow is a row of the table in CONTRIBUTING.md, which says where things are.
var contributingRow = regexp.MustCompile(`(?m)^\| .* \| (.*) \|$`)

// The table names one place in each row, which is there, and every package is in a place that it names.
func TestContributingNamesFolders(t *testing.T) {
	page, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| to change | look in |\n| --- | --- |\n")
	if !found {
		t.Fatal("CONTRIBUTING.md has no table of places")
	}
	named := map[string]bool{}
	for _, row := range contributingRow.FindAllStringSubmatch(table, -1) {
		place, ok := strings.CutPrefix(row[1], "`")
		place, closed := strings.CutSuffix(place, "`")
		if !ok || !closed || strings.ContainsAny(place, "`*, ") {
			t.Errorf("%s is not one place", row[1])
			continue
		}
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(place))); err != nil {
			t.Errorf("the table names what is not there: %v", err)
		}
		if named[place] {
			t.Errorf("%s is in two rows", place)
		}
		named[place] = true
	}
	for _, p := range listPackages(t) {
		if p.ImportPath == root || p.ImportPath == "caddymodule" {
			continue // both only import others; smartcar.go stands for them
		}
		dir := p.ImportPath
		for dir != "." && !named[dir] {
			dir = path.Dir(dir)
		}
		if dir == "." {
			t.Errorf("no row of the table leads to %s", p.ImportPath)
		}
	}
}
