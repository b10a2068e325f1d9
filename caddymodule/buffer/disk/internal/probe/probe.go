// Package probe looks at what a directory lies on: it names the file system, measures how long a small write and its
// sync take, and knows what an operator should be warned of.
package probe

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// File is made in the directory and removed again. Pebble ignores such names.
	File = "sync-probe.tmp"
	// probeSize is that of the probe's file, one page, which every sync writes anew: what a group of a few events
	// takes.
	probeSize = 4096
	// A probe ends after so many syncs, or with the first one after so much time.
	probeSyncs = 15
	probeTime  = 200 * time.Millisecond
	// implausible is a median that no device reaches that keeps what it says it keeps. The fastest, NVMe with
	// power-loss protection, take some 10 µs for a page at a queue depth of one, and the file system comes on top: 25
	// µs and more are measured on them. A sync that does nothing takes a few. A hypervisor that drops flushes is not
	// found this way, since it still has to carry the write.
	implausible = 20 * time.Microsecond
	// slowSync is a median above which senders wait for the disk and not for the network.
	slowSync = 50 * time.Millisecond
	// manySenders is how many connections the warning about a slow disk counts with.
	manySenders = 64
)

// Probe looks at a directory once. It runs beside everything else.
type Probe struct {
	FS  vfs.FS
	Now func() time.Time
	// FileSystem returns the name of a path's file system, "" when that is not known.
	FileSystem func(path string) (string, error)
}

// Result is what a probe found. Zero fields are not known.
type Result struct {
	FileSystem  string
	Median, Max time.Duration
}

// New returns a probe of the operating system's file system.
func New() *Probe {
	return &Probe{FS: vfs.Default, Now: time.Now, FileSystem: FileSystemOf}
}

// Run measures and names as far as it can. It returns what it found also beside an error.
func (p *Probe) Run(dir string) (Result, error) {
	name, nameErr := p.FileSystem(dir)
	if nameErr != nil {
		nameErr = fmt.Errorf("naming the file system: %w", nameErr)
	}
	took, err := p.measure(p.FS.PathJoin(dir, File))
	found := Result{FileSystem: name}
	if len(took) > 0 {
		slices.Sort(took)
		found.Median, found.Max = took[len(took)/2], took[len(took)-1]
	}
	return found, errors.Join(nameErr, err)
}

// measure overwrites a page and syncs it, several times.
func (p *Probe) measure(path string) (took []time.Duration, err error) {
	f, err := p.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("making the probe's file: %w", err)
	}
	defer func() {
		err = errors.Join(err, f.Close(), p.FS.Remove(path))
	}()
	begun := p.Now()
	page := make([]byte, probeSize)
	// The first one makes room for the page, and is not counted.
	for i := range 1 + probeSyncs {
		for j := range page {
			page[j] = byte(i + j)
		}
		before := p.Now()
		if _, err := f.WriteAt(page, 0); err != nil {
			return took, fmt.Errorf("writing the probe's file: %w", err)
		}
		if err := f.SyncData(); err != nil {
			return took, fmt.Errorf("syncing the probe's file: %w", err)
		}
		after := p.Now()
		// On a disk that is so slow that there is no time for a second one, it counts.
		over := after.Sub(begun) >= probeTime
		if i > 0 || over {
			took = append(took, after.Sub(before))
		}
		if over {
			break
		}
	}
	return took, nil
}

// Warnings returns what an operator should know of such a disk, a line each.
func (d Result) Warnings(path string) (lines []string) {
	group := groupOf(d.FileSystem)
	switch group {
	case inMemory:
		lines = append(lines, fmt.Sprintf("the buffer lies in memory (%s): a power cut or a restart of the machine "+
			"takes all events with it; give it a path on a disk", d.FileSystem))
	case overNetwork:
		lines = append(lines, fmt.Sprintf("the buffer lies on a file system of another machine or program (%s): "+
			"whether a sync keeps what it promises, and a lock keeps a second Caddy out, is up to that one, "+
			"and nothing is received while it is away; give it a path on a local disk", d.FileSystem))
	case ofContainer:
		lines = append(lines, fmt.Sprintf("the buffer lies in the container's own layer (%s): when the container is "+
			"replaced, all events are gone; mount a volume at %s", d.FileSystem, path))
	}
	switch {
	case d.Median == 0 && d.Max == 0:
	case d.Median < implausible && group != inMemory:
		lines = append(lines, fmt.Sprintf("a sync of this disk took %v, which is faster than disks are: an event may "+
			"be answered before it is safe from a power cut; check that the volume, the hypervisor or a library such "+
			"as libeatmydata does not ignore syncs (memory that keeps its contents without power may be as fast)",
			d.Median))
	case d.Median > slowSync:
		lines = append(lines, fmt.Sprintf("a sync of this disk took %v, and each answer waits for one or two: one "+
			"connection gets some %s answers a second, %d connections some %s together; "+
			"use a faster disk, or one that others do not keep busy",
			d.Median.Round(time.Millisecond), rate(1, d.Median), manySenders, rate(manySenders, d.Median)))
	}
	return lines
}

// rate is how many answers a second so many connections get when each waits for one and a half syncs.
func rate(connections int, sync time.Duration) string {
	perSecond := float64(connections) / (1.5 * sync.Seconds())
	if perSecond < 10 {
		return fmt.Sprintf("%.1f", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}
