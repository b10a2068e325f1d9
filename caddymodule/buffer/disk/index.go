package disk

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// dedupe finds earlier events of the same source and id.
type dedupe struct {
	// buckets are the starts of all buckets, ascending; only the committer stores.
	buckets atomic.Pointer[[]uint32]
	recent  recent
	filter  filter
	// iterate is never changed; it is here so that no look-up allocates it.
	iterate pebble.IterOptions
}

// loadDedupe finds the buckets by jumping from one to the next. lastGroup is the last group that was written.
func loadDedupe(db *pebble.DB, lastGroup uint64) (*dedupe, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindDedupe}, UpperBound: []byte{kindDedupe + 1}})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var buckets []uint32
	for ok := it.First(); ok && len(it.Key()) >= 5; {
		start := binary.BigEndian.Uint32(it.Key()[1:])
		buckets = append(buckets, start)
		if start == math.MaxUint32 {
			break
		}
		ok = it.SeekGE(bucketKey(start + 1))
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("reading the dedupe index: %w", err)
	}
	d := &dedupe{recent: newRecent(lastGroup + 1), iterate: pebble.IterOptions{
		LowerBound:   []byte{kindDedupe},
		UpperBound:   []byte{kindDedupe + 1},
		UseL6Filters: true,
	}}
	d.buckets.Store(&buckets)
	if len(buckets) == 0 {
		d.filter.stored.Store(&blooms{})
	}
	return d, nil
}

// find looks k up among the entries that are younger than window.
func (d *dedupe) find(db *pebble.DB, k dedupeKey, now int64, window time.Duration) (seen, bool, error) {
	buckets := *d.buckets.Load()
	if len(buckets) == 0 {
		return seen{}, false, nil
	}
	// An iterator, since Get does not use the filters of the lowest level, where nearly all is.
	it, err := db.NewIter(&d.iterate)
	if err != nil {
		return seen{}, false, err
	}
	defer it.Close()
	var stack [32]byte
	for i := len(buckets) - 1; i >= 0; i-- {
		if it.SeekPrefixGE(appendDedupeKey(stack[:0], buckets[i], k)) {
			s, ok := parseSeen(it.Value())
			if ok && s.within(now, window) {
				return s, true, nil
			}
		}
		if err := it.Error(); err != nil {
			return seen{}, false, fmt.Errorf("looking up the event id: %w", err)
		}
		// Every entry of the buckets before was made before this one started.
		if startedBefore(buckets[i], now, window) {
			break
		}
	}
	return seen{}, false, nil
}

// startedBefore reports whether a bucket started more than window ago, to the whole
// second above.
func startedBefore(bucket uint32, now int64, window time.Duration) bool {
	return now-(int64(bucket)+1)*int64(time.Second) > int64(window)
}

// excludes reports whether an event was certainly not seen. What is added meanwhile may be missed.
func (d *dedupe) excludes(k dedupeKey) bool { return d.filter.excludes(k) }

// justAdded finds an entry that add made, of one of the last groups. For the committer only.
func (d *dedupe) justAdded(k dedupeKey) (seen, bool) { return d.recent.find(k) }

// covers reports whether justAdded knows all groups after the given one. For the committer only.
func (d *dedupe) covers(group uint64) bool { return d.recent.covers(group) }

// add notes an entry that the group with this number writes. For the committer only.
func (d *dedupe) add(bucket uint32, k dedupeKey, s seen, group uint64) {
	d.recent.add(k, s, group)
	d.filter.add(bucket, k)
}

// count returns the number of buckets.
func (d *dedupe) count() int { return len(*d.buckets.Load()) }

// bucket returns the bucket for an entry made now, starting one if need be. For
// the committer only.
func (d *dedupe) bucket(now int64, window time.Duration) uint32 {
	buckets := *d.buckets.Load()
	if n := len(buckets); n > 0 {
		newest := buckets[n-1]
		if now-int64(newest)*int64(time.Second) < int64(window) {
			return newest
		}
	}
	start := uint32(min(max(0, now/int64(time.Second)), math.MaxUint32))
	grown := append(append([]uint32{}, buckets...), start)
	d.buckets.Store(&grown)
	return start
}

// expire takes the buckets off the list whose entries are all older than window,
// and returns the start of the first one that stays, if any went. For the
// committer only.
func (d *dedupe) expire(now int64, window time.Duration) (keep uint32, any bool) {
	buckets := *d.buckets.Load()
	n := 0
	for n+1 < len(buckets) && startedBefore(buckets[n+1], now, window) {
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

// recent holds the entries of the last groups, so that the committer need not
// read the store for what a caller looked up a moment ago. Two maps take turns.
type recent struct {
	young, old           map[dedupeKey]seen
	youngSince, oldSince uint64
}

const recentSize = 8192

// newRecent makes a recent of what first and later groups write.
func newRecent(first uint64) recent {
	return recent{young: map[dedupeKey]seen{}, old: map[dedupeKey]seen{}, youngSince: first, oldSince: first}
}

// covers reports whether all groups after the given one are here.
func (r *recent) covers(group uint64) bool {
	return r.oldSince <= group+1
}

func (r *recent) find(k dedupeKey) (seen, bool) {
	if s, ok := r.young[k]; ok {
		return s, true
	}
	s, ok := r.old[k]
	return s, ok
}

func (r *recent) add(k dedupeKey, s seen, group uint64) {
	if len(r.young) >= recentSize {
		clear(r.old)
		r.old, r.young = r.young, r.old
		r.oldSince, r.youngSince = r.youngSince, group
	}
	r.young[k] = s
}
