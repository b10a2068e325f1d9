package disk

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// seen is what a dedupe entry says of the event stored under an id.
type seen struct {
	position uint64
	storedAt int64
	digest   uint64
}

const seenSize = 24

func (s seen) put(dst []byte) {
	binary.BigEndian.PutUint64(dst, s.position)
	binary.BigEndian.PutUint64(dst[8:], uint64(s.storedAt))
	binary.BigEndian.PutUint64(dst[16:], s.digest)
}

func parseSeen(b []byte) (seen, bool) {
	if len(b) != seenSize {
		return seen{}, false
	}
	return seen{
		position: binary.BigEndian.Uint64(b),
		storedAt: int64(binary.BigEndian.Uint64(b[8:])),
		digest:   binary.BigEndian.Uint64(b[16:]),
	}, true
}

// dedupe finds earlier events of the same source and id.
type dedupe struct {
	// buckets are the starts of all buckets, ascending; only the committer stores.
	buckets atomic.Pointer[[]uint32]
	// groups counts the groups that can be read from the store.
	groups atomic.Uint64
	recent recent
	filter filter
	// iterate is never changed; it is here so that no look-up allocates it.
	iterate pebble.IterOptions
}

// loadDedupe finds the buckets by jumping from one to the next.
func loadDedupe(db *pebble.DB) (*dedupe, error) {
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
	d := &dedupe{recent: newRecent(), iterate: pebble.IterOptions{
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

func (s seen) within(now int64, window time.Duration) bool {
	return now-s.storedAt <= int64(window)
}

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

func newRecent() recent {
	return recent{young: map[dedupeKey]seen{}, old: map[dedupeKey]seen{}, youngSince: 1, oldSince: 1}
}

// since says which group is the first.
func (r *recent) since(group uint64) { r.oldSince, r.youngSince = group, group }

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
