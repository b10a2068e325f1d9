package main

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/cmd/bench/internal/proc"
)

func TestCells(t *testing.T) {
	base := result{&row{name: "respond", pid: 1}, []phase{{rate: 100}, {rate: 200}, {rate: 1000}}}
	r := result{
		&row{name: "receiver", pid: 1, syncs: func(context.Context) (uint64, error) { return 0, nil }},
		[]phase{
			{rate: 50, answers: 500, elapsed: 10 * time.Second, p50: 1e6, p90: 2e6, p99: 3e6, max: 9e6, syncs: 50, known: true,
				use: proc.Use{CPU: 50 * time.Millisecond, Written: 1_500_000}, sender: 10 * time.Millisecond},
			{rate: 120, answers: 1200, elapsed: 10 * time.Second, p50: 2e6, p90: 3e6, p99: 4e6, max: 5e6, syncs: 150, known: true,
				use: proc.Use{CPU: 120 * time.Millisecond, Written: 1_900_000}, sender: 24 * time.Millisecond},
			{rate: 700, answers: 300, elapsed: 10 * time.Second, p50: 9e6, p90: 9e6, p99: 9e6, max: 9e6, syncs: 100, known: true,
				use: proc.Use{CPU: 30 * time.Millisecond, Written: 600_000}, sender: 6 * time.Millisecond},
		},
	}
	want := []string{"receiver", "120", "0.60", "2.00 ms", "3.00 ms", "4.00 ms", "9.00 ms", "100.0 µs", "20.0 µs", "10", "6.7", "2.00"}
	if diff := cmp.Diff(want, r.cells(base, 1000)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	r.phases[1].known, r.syncs = false, nil
	want = []string{"receiver", "120", "0.60", "2.00 ms", "3.00 ms", "4.00 ms", "9.00 ms", "-", "-", "-", "-", "-"}
	if diff := cmp.Diff(want, r.cells(base, 1000)); diff != "" {
		t.Errorf("where nothing is known: -want +got:\n%s", diff)
	}
}
