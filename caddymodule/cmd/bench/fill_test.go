package main

import (
	"path/filepath"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// What is filled is stored, and filling goes on where it was.
func TestFill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "buffer")
	var got []uint64
	look := func(b buffer.Buffer) error {
		got = append(got, b.Stats().Last)
		return nil
	}
	for _, n := range []int{1000, 500, 0} {
		if err := fill(t.Context(), path, n, 7, 600, look); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 || got[0] != 1000 || got[1] != 1500 || got[2] != 1500 {
		t.Errorf("stored %v", got)
	}
	if cold, err := forgetFiles(path); err != nil {
		t.Errorf("%v, %v", cold, err)
	}
	size, err := folderSize(path)
	if err != nil || size < 1500*100 {
		t.Errorf("%d bytes on disk, %v", size, err)
	}
}
