// Package dedupe finds events that were stored before under the same source and id. The entries are in the store, in
// buckets of time, so that old ones go with one range deletion. A Bloom filter in memory spares most look-ups, and the
// entries of the last groups are in memory too.
package dedupe

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// Index finds earlier events of the same source and id.
type Index struct {
	// buckets are the starts of all buckets, ascending; only the committer stores.
	buckets atomic.Pointer[[]uint32]
	recent  recent
	filter  filter
	// iterate is never changed; it is here so that no look-up allocates it.
	iterate pebble.IterOptions
}

// Load finds the buckets by jumping from one to the next. lastGroup is the last group that was written.
func Load(db *store.DB, lastGroup uint64) (*Index, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{format.KindDedupe},
		UpperBound: []byte{format.KindDedupe + 1}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	var buckets []uint32
	for ok := it.First(); ok && len(it.Key()) >= 5; {
		start := binary.BigEndian.Uint32(it.Key()[1:])
		buckets = append(buckets, start)
		if start == math.MaxUint32 {
			break
		}
		ok = it.SeekGE(format.BucketKey(start + 1))
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("reading the dedupe index: %w", err)
	}
	d := &Index{recent: newRecent(lastGroup + 1), iterate: pebble.IterOptions{
		LowerBound:   []byte{format.KindDedupe},
		UpperBound:   []byte{format.KindDedupe + 1},
		UseL6Filters: true,
	}}
	d.buckets.Store(&buckets)
	if len(buckets) == 0 {
		d.filter.stored.Store(&blooms{})
	}
	return d, nil
}

// Find looks k up among the entries that were made since a time, in ns.
func (d *Index) Find(db *store.DB, k format.DedupeKey, since int64) (format.Seen, bool, error) {
	buckets := *d.buckets.Load()
	if len(buckets) == 0 {
		return format.Seen{}, false, nil
	}
	// An iterator, since Get does not use the filters of the lowest level, where nearly all is.
	it, err := db.NewIter(&d.iterate)
	if err != nil {
		return format.Seen{}, false, err
	}
	defer func() { _ = it.Close() }()
	var stack [32]byte
	for i := len(buckets) - 1; i >= 0; i-- {
		if it.SeekPrefixGE(format.AppendDedupeKey(stack[:0], buckets[i], k)) {
			s, ok := format.ParseSeen(it.Value())
			if ok && s.StoredAt >= since {
				return s, true, nil
			}
		}
		if err := it.Error(); err != nil {
			return format.Seen{}, false, fmt.Errorf("looking up the event id: %w", err)
		}
		// Every entry of the buckets before was made before this one started.
		if startedBefore(buckets[i], since) {
			break
		}
	}
	return format.Seen{}, false, nil
}

// startedBefore reports whether a bucket started before a time, in ns, by a second at least.
func startedBefore(bucket uint32, since int64) bool {
	return (int64(bucket)+1)*int64(time.Second) < since
}

// Excludes reports whether an event was certainly not seen. What is added meanwhile may be missed.
func (d *Index) Excludes(k format.DedupeKey) bool { return d.filter.excludes(k) }

// JustAdded finds an entry that add made, of one of the last groups. For the committer only.
func (d *Index) JustAdded(k format.DedupeKey) (format.Seen, bool) { return d.recent.find(k) }

// Covers reports whether justAdded knows all groups after the given one. For the committer only.
func (d *Index) Covers(group uint64) bool { return d.recent.covers(group) }

// Add notes an entry that the group with this number writes. For the committer only.
func (d *Index) Add(bucket uint32, k format.DedupeKey, s format.Seen, group uint64) {
	d.recent.add(k, s, group)
	d.filter.add(bucket, k)
}

// Loaded reports whether the filter knows what was stored before the buffer was opened.
func (d *Index) Loaded() bool { return d.filter.loaded() }

// LoadFilter reads the ids that were stored before the buffer was opened, until stop is closed. It calls use for a few
// thousand at a time, and runs beside everything else: millions take seconds, and receiving does not wait.
func (d *Index) LoadFilter(use func(func(*store.DB) error) error, stop <-chan struct{}) {
	d.filter.load(use, stop)
}

// Buckets returns the number of buckets.
func (d *Index) Buckets() int { return len(*d.buckets.Load()) }

// Bucket returns the bucket for an entry made now, starting one when the newest began before since. For the committer
// only.
func (d *Index) Bucket(now, since int64) uint32 {
	buckets := *d.buckets.Load()
	if n := len(buckets); n > 0 {
		newest := buckets[n-1]
		if int64(newest)*int64(time.Second) > since {
			return newest
		}
	}
	start := uint32(min(max(0, now/int64(time.Second)), math.MaxUint32))
	grown := append(append([]uint32{}, buckets...), start)
	d.buckets.Store(&grown)
	return start
}

// Expire takes the buckets off the list whose entries were all made before a time, and returns the start of the first
// one that stays, if any went. For the committer only.
func (d *Index) Expire(since int64) (keep uint32, gone bool) {
	buckets := *d.buckets.Load()
	n := 0
	for n+1 < len(buckets) && startedBefore(buckets[n+1], since) {
		n++
	}
	if n == 0 {
		return 0, false
	}
	rest := append([]uint32{}, buckets[n:]...)
	d.buckets.Store(&rest)
	d.filter.expire(rest[0])
	return rest[0], true
}

// recent holds the entries of the last groups, so that the committer need not read the store for what a caller looked
// up a moment ago. Two maps take turns.
type recent struct {
	young, old           map[format.DedupeKey]format.Seen
	youngSince, oldSince uint64
}

// RecentSize is how many entries each of the maps holds.
const RecentSize = 8192

// newRecent makes a recent of what first and later groups write.
func newRecent(first uint64) recent {
	return recent{
		young: map[format.DedupeKey]format.Seen{}, youngSince: first,
		old: map[format.DedupeKey]format.Seen{}, oldSince: first,
	}
}

// covers reports whether all groups after the given one are here.
func (r *recent) covers(group uint64) bool {
	return r.oldSince <= group+1
}

func (r *recent) find(k format.DedupeKey) (format.Seen, bool) {
	if s, ok := r.young[k]; ok {
		return s, true
	}
	s, ok := r.old[k]
	return s, ok
}

func (r *recent) add(k format.DedupeKey, s format.Seen, group uint64) {
	if len(r.young) >= RecentSize {
		clear(r.old)
		r.old, r.young = r.young, r.old
		r.oldSince, r.youngSince = r.youngSince, group
	}
	r.young[k] = s
}
