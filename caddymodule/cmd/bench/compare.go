package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// warmUp lets connections, buffers and the Go runtime of both processes settle.
const warmUp = time.Second

var selfPID = os.Getpid()

// compare loads the rows in turns, each round beginning with another one, and returns
// what each did, in their order.
func compare(ctx context.Context, opts options, conns int, rows []*row) ([]result, error) {
	results := make([]result, len(rows))
	for i, r := range rows {
		results[i].row = r
		if _, err := r.measure(ctx, effort{conns: conns, during: warmUp}); err != nil {
			return nil, err
		}
	}
	for round := range opts.rounds {
		for turn := range rows {
			i := (round + turn) % len(rows)
			p, err := rows[i].measure(ctx, effort{conns: conns, during: opts.phase})
			if err != nil {
				return nil, err
			}
			results[i].phases = append(results[i].phases, p)
		}
		var done []string
		for _, r := range results {
			done = append(done, r.name+" "+count(r.phases[round].rate))
		}
		fmt.Printf("  round %d of %d: %s /s\n", round+1, opts.rounds, strings.Join(done, ", "))
	}
	fmt.Println()
	return results, nil
}

// named picks a row's result.
func named(results []result, name string) result {
	return results[slices.IndexFunc(results, func(r result) bool { return r.name == name })]
}

// lines makes a table of results, beside a base that is one of them.
func lines(results []result, base result, size int) table {
	t := table{head: resultHead}
	for _, r := range results {
		t.add(r.cells(base, size)...)
	}
	return t
}
