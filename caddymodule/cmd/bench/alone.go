package main

import (
	"context"
	"fmt"
	"time"
)

// alone is what one event pays that no other shares its sync with.
type alone struct {
	results []result
	// added is what the receiver takes more than a plain answer, raw one write and sync of
	// the same bytes; medians.
	added, raw time.Duration
}

func (a alone) ratio() float64 { return float64(a.added) / float64(a.raw) }

// compareAlone loads the rows over one TLS connection, beside one raw write and sync after
// the other on the same disk.
func (c *contenders) compareAlone(ctx context.Context, opts options) (a alone, err error) {
	fmt.Println("TLS, 1 connection")
	var rows []*row
	for _, r := range c.rows(true) {
		if r.name != rowSink && r.pid != selfPID {
			rows = append(rows, r)
		}
	}
	raw := syncRow(c.dir, c.bodies)
	if a.results, err = compare(ctx, opts, 1, append(rows, raw)); err != nil {
		return a, err
	}
	a.added = named(a.results, rowReceiver).p50() - named(a.results, rowRespond).p50()
	a.raw = named(a.results, raw.name).p50()
	t := lines(a.results, named(a.results, rowRespond), opts.size)
	printTable(t)
	fmt.Printf("  added by the receiver %s, one raw write + fdatasync %s, ratio %s (medians; the bar is at most %.1f)\n",
		millis(a.added), millis(a.raw), decimal(a.ratio(), 2), barAdded)
	return a, nil
}
