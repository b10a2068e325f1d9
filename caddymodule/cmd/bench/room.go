package main

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// What the parts need on the disk is reckoned before they begin, rather too high.
const (
	// record is what an event takes beside its body: envelope, signature, index.
	record = 400
	// twice: compactions write anew what they remove only afterwards.
	twice = 2
	// fastest is more events a second than are thought possible here.
	fastest = 25_000
	// spare is left free whatever happens.
	spare = 2 << 30
)

// needs says how many bytes of the disk the run may take at a time; each part removes
// what it wrote.
func (o options) needs() int64 {
	event := int64(o.size + record)
	loaded := func(phases int) int64 {
		return int64(float64(phases)*(o.phase+warmUp).Seconds()*fastest) * event
	}
	var most int64
	if o.wants(partReceiving) {
		// The buffer is bounded by its default limit.
		most = max(most, min(twice*loaded(3*(o.rounds+1)), 12<<30)+2*logFile)
	}
	if o.wants(partDelivering) {
		most = max(most, twice*(int64(max(o.backlog, o.large))*event+loaded(2)))
	}
	if o.wants(partGrowth) {
		most = max(most, twice*(int64(o.stored.most()+2*o.backlog)*event+loaded(len(o.stored)*(o.rounds+1)+3)))
		if o.steady > 0 {
			most = max(most, twice*steadyLimit)
		}
	}
	return most
}

// checkRoom refuses a run for which there is not enough of the disk.
func checkRoom(dir string, needs int64) error {
	usage, err := vfs.Default.GetDiskUsage(dir)
	if err != nil {
		return fmt.Errorf("looking for the free space of %s: %w", dir, err)
	}
	fmt.Printf("Disk: %s has %.1f GiB free; this run needs up to %.1f GiB of it at a time and removes what it writes.\n\n", dir, gib(int64(usage.AvailBytes)), gib(needs))
	if int64(usage.AvailBytes) < needs+spare {
		return fmt.Errorf("that is too little, with %.0f GiB to spare: take another -dir, fewer events or shorter phases", gib(spare))
	}
	return nil
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// since is a time in tenths of a second.
func since(start time.Time) time.Duration { return time.Since(start).Round(100 * time.Millisecond) }
