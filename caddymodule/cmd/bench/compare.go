package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// warmUp lets connections, buffers and the Go runtime of both processes settle.
const warmUp = time.Second

// compare loads the two targets in turns, prints the ratio of their medians and returns
// the receiver's, in answers a second.
func compare(ctx context.Context, opts options, bodies *bodyMaker, label string, receiver, plain target) (float64, error) {
	targets := []target{receiver, plain}
	rates := make([][]float64, len(targets))
	fmt.Printf("%s\n", label)
	for _, t := range targets {
		if _, err := load(ctx, t, bodies, opts.conns, warmUp); err != nil {
			return 0, err
		}
	}
	for round := range opts.rounds {
		for i, t := range targets {
			m, err := load(ctx, t, bodies, opts.conns, opts.phase)
			if err != nil {
				return 0, err
			}
			rates[i] = append(rates[i], m.perSecond())
			fmt.Printf("  round %d  %-26s %8.0f answers/s   p50 %-9v p99 %v\n", round+1, t.name, m.perSecond(),
				m.percentile(0.50).Round(10*time.Microsecond), m.percentile(0.99).Round(10*time.Microsecond))
		}
	}
	fmt.Printf("  ratio    durable / plain = %.2f  (medians %.0f and %.0f)\n\n",
		median(rates[0])/median(rates[1]), median(rates[0]), median(rates[1]))
	return median(rates[0]), nil
}

// compareLatency says what one event alone pays over a plain answer, beside what
// one raw write and sync of the same bytes takes on the same disk.
func compareLatency(ctx context.Context, opts options, bodies *bodyMaker, dir string, receiver, plain target, size int) error {
	raw, err := rawSync(dir, size, 2000)
	if err != nil {
		return err
	}
	var medians [2]time.Duration
	for i, t := range []target{receiver, plain} {
		m, err := load(ctx, t, bodies, 1, opts.phase)
		if err != nil {
			return err
		}
		medians[i] = m.percentile(0.50)
	}
	added := medians[0] - medians[1]
	fmt.Printf("1 connection, TLS, medians\n  receiver %v, respond %v, added %v\n  raw write + sync %v\n  ratio    added / raw = %.2f\n",
		medians[0], medians[1], added, raw, float64(added)/float64(raw))
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
