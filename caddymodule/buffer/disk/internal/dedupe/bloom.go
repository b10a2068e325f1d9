package dedupe

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

const (
	// filterBytes bounds the filter's memory. More ids than fit, about 30 million, switch it off, and every look-up
	// reads the store.
	filterBytes = 64 << 20
	// A Bloom filter has 16 bits for each of its keys, so that one foreign key in several hundred looks like one of its
	// own.
	firstBloomKeys = 64 << 10
	largestBloom   = 4 << 20
	// loadChunk is how many entries are read between two looks at whether to stop.
	loadChunk = 4096
)

// filter knows of an id that it was certainly not seen, without reading the store. Nearly every append is new, and
// reading the store to learn that took a tenth of the receiver's processor time.
type filter struct {
	// stored holds what was there when the buffer was opened. It is nil until load ends, and until then nothing is
	// certain.
	stored atomic.Pointer[blooms]
	// fresh holds what the committer added since.
	fresh atomic.Pointer[blooms]
	bytes atomic.Int64
	off   atomic.Bool
}

// blooms are of any bucket, the newest last. The list itself never changes.
type blooms []*bloomFilter

// excludes says that k was not added. What is added while it looks may be missed.
func (f *filter) excludes(k format.DedupeKey) bool {
	stored := f.stored.Load()
	if stored == nil || f.off.Load() {
		return false
	}
	return !stored.has(k) && !f.fresh.Load().has(k)
}

func (l *blooms) has(k format.DedupeKey) bool {
	if l == nil {
		return false
	}
	for _, b := range *l {
		if b.has(k) {
			return true
		}
	}
	return false
}

// add notes an entry that the committer makes.
func (f *filter) add(bucket uint32, k format.DedupeKey) {
	f.addTo(&f.fresh, bucket, k)
}

// addTo adds k to the newest bloom of the list, or to a new one, twice as large, when
// that one is full or of another bucket.
func (f *filter) addTo(list *atomic.Pointer[blooms], bucket uint32, k format.DedupeKey) {
	if f.off.Load() {
		return
	}
	var all blooms
	if l := list.Load(); l != nil {
		all = *l
	}
	keys := firstBloomKeys
	if n := len(all); n > 0 && all[n-1].bucket == bucket {
		if last := all[n-1]; last.left > 0 {
			last.add(k)
			return
		}
		keys = min(2*all[n-1].keys, largestBloom)
	}
	b := newBloom(bucket, keys)
	if f.bytes.Add(b.size()) > filterBytes {
		f.off.Store(true)
		f.stored.Store(nil)
		f.fresh.Store(nil)
		return
	}
	b.add(k)
	grown := append(append(blooms{}, all...), b)
	list.Store(&grown)
}

// expire drops buckets before keep. For the committer only.
func (f *filter) expire(keep uint32) {
	for _, list := range []*atomic.Pointer[blooms]{&f.stored, &f.fresh} {
		old := list.Load()
		if old == nil {
			continue
		}
		rest := blooms{}
		for _, b := range *old {
			if b.bucket < keep {
				f.bytes.Add(-b.size())
				continue
			}
			rest = append(rest, b)
		}
		list.Store(&rest)
	}
}

// loaded reports whether the filter knows what was stored before the buffer was opened.
func (f *filter) loaded() bool { return f.stored.Load() != nil }

// load is Index.LoadFilter.
func (f *filter) load(use func(func(*store.DB) error) error, stop <-chan struct{}) {
	var found atomic.Pointer[blooms]
	found.Store(&blooms{})
	from := []byte{format.KindDedupe}
	for from != nil {
		select {
		case <-stop:
			return
		default:
		}
		if err := use(func(db *store.DB) (err error) {
			from, err = f.loadChunk(db, from, &found)
			return err
		}); err != nil {
			return // every look-up goes on to read the store, and says what is wrong
		}
	}
	if !f.off.Load() {
		f.stored.Store(found.Load())
	}
}

// loadChunk adds some entries and returns where to go on, or nil at the end.
func (f *filter) loadChunk(db *store.DB, from []byte, to *atomic.Pointer[blooms]) (next []byte, err error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{format.KindDedupe + 1}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n > loadChunk {
			return append([]byte{}, it.Key()...), nil
		}
		if key := it.Key(); len(key) == format.DedupeKeySize {
			f.addTo(to, binary.BigEndian.Uint32(key[1:]), format.DedupeKey(key[5:]))
		}
	}
	return nil, it.Error()
}

// bloomFilter is a Bloom filter whose bits of one key lie in one cache line.
type bloomFilter struct {
	bucket uint32
	// keys is how many it is made for, and left how many of these are still to come.
	keys, left int
	lines      []line
}

type line [8]atomic.Uint64

const lineBytes = 64

func newBloom(bucket uint32, keys int) *bloomFilter {
	return &bloomFilter{bucket: bucket, keys: keys, left: keys, lines: make([]line, keys*2/lineBytes)}
}

func (b *bloomFilter) size() int64 { return int64(len(b.lines) * lineBytes) }

// place splits a key, which is a digest and so random: its first half chooses the line,
// its second half seven bits of it, nine bits of the key each.
func (b *bloomFilter) place(k format.DedupeKey) (*line, uint64) {
	i, _ := bits.Mul64(binary.BigEndian.Uint64(k[:8]), uint64(len(b.lines)))
	return &b.lines[i], binary.BigEndian.Uint64(k[8:])
}

const bitsPerKey = 7

func (b *bloomFilter) add(k format.DedupeKey) {
	b.left--
	l, h := b.place(k)
	for range bitsPerKey {
		l[h&7].Or(1 << (h >> 3 & 63))
		h >>= 9
	}
}

func (b *bloomFilter) has(k format.DedupeKey) bool {
	l, h := b.place(k)
	for range bitsPerKey {
		if l[h&7].Load()&(1<<(h>>3&63)) == 0 {
			return false
		}
		h >>= 9
	}
	return true
}
