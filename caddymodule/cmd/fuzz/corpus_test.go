package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	c := corpus{cache: filepath.Join(dir, "cache"), root: filepath.Join(dir, "project")}
	target := target{"sdk/x", "FuzzX"}
	if n, err := c.keep(target, 3); n != 0 || err != nil {
		t.Fatalf("without a cache: %d copied, %v", n, err)
	}
	found := filepath.Join(c.cache, "sdk", "x", "FuzzX")
	if err := os.MkdirAll(found, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"e": 1, "d": 20, "c": 300, "b": 400, "a": 500, "huge": largestKept + 1} {
		if err := os.WriteFile(filepath.Join(found, name), []byte(strings.Repeat(name, size)[:size]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept := filepath.Join(c.root, "sdk", "x", "testdata", "fuzz", "FuzzX")
	for _, step := range []struct {
		most, copied int
		want         []string
	}{
		{3, 3, []string{"e", "c", "a"}},
		{3, 0, []string{"e", "c", "a"}},
		{4, 1, []string{"e", "d", "c", "a"}},
		{10, 1, []string{"e", "d", "c", "b", "a"}},
	} {
		n, err := c.keep(target, step.most)
		if err != nil || n != step.copied {
			t.Errorf("up to %d: %d copied, %v; want %d", step.most, n, err, step.copied)
		}
		all, err := inputs(kept)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, in := range all {
			names = append(names, in.name)
		}
		if !slices.Equal(names, step.want) {
			t.Errorf("up to %d: kept %v, want %v", step.most, names, step.want)
		}
	}
	content, err := os.ReadFile(filepath.Join(kept, "d"))
	if err != nil || string(content) != strings.Repeat("d", 20) {
		t.Errorf("the copy is %q, %v", content, err)
	}
}

func TestSpread(t *testing.T) {
	all := []input{{"a", 1}, {"b", 2}, {"c", 3}}
	for most, want := range map[int]int{-1: 0, 0: 0, 1: 1, 2: 2, 3: 3, 9: 3} {
		if got := spread(all, most); len(got) != want {
			t.Errorf("%d of three: %v", most, got)
		}
	}
}
