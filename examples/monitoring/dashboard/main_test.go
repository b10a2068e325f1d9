package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write dashboard.json anew")

// The JSON that people import is what the code builds.
func TestDashboard(t *testing.T) {
	const path = "../dashboard.json"
	board, err := build()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, board, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(board, want) {
		t.Errorf("%s is not what the code builds: go test ./examples/monitoring/dashboard -update", path)
	}
}
