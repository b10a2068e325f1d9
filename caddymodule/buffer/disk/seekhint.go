package disk

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// lanesKnown bounds how many lanes of a consumer have a seek hint.
const lanesKnown = 4096

// seekHint is a position that no entry of a lane, or of a consumer, is below. Without one a look-up starts at the first
// entry there ever was, and passes all that were deleted since: the store forgets those late.
//
// The buffer keeps the hints, and does not take a position from the caller, because an event that is deferred or
// reopened while a look-up is on its way may be lower than what the caller knows. A caller that is wrong about that
// would not see the event until it starts again.
type seekHint struct {
	// from is the position once it is known; before, the lowest one that came since the seek hint was made.
	from  uint64
	known bool
}

func (f *seekHint) lower(position uint64) { f.from = min(f.from, position) }

// start is where a look-up can start: at the beginning where there is no hint.
func (f *seekHint) start() uint64 {
	if f == nil || !f.known {
		return 0
	}
	return f.from
}

// arrival counts entries on their way to the store, and knows the lowest of them.
type arrival struct {
	count int
	low   uint64
}

func (a *arrival) add(position uint64) {
	if a.count == 0 {
		a.low = position
	}
	a.count++
	a.low = min(a.low, position)
}

// lowest is the lowest position on its way.
func (a arrival) lowest() uint64 {
	if a.count == 0 {
		return format.MaxPosition
	}
	return a.low
}

// seekHints are those of one consumer; its mu guards them. An entry counts as arriving from before it is queued until
// after its batch can be read or has failed. A hint rises only to what is in the store and to what arrives.
type seekHints struct {
	// held is for deferred positions at or above the first stored event, oldest for all.
	held, oldest seekHint
	arrivals     arrival
	// lanes has the lanes that somebody looked up, at most lanesKnown; arriving has those that get something.
	lanes    map[string]*seekHint
	arriving map[string]arrival
}

func newSeekHints() seekHints {
	return seekHints{
		held: seekHint{from: format.MaxPosition}, oldest: seekHint{from: format.MaxPosition},
		lanes: map[string]*seekHint{}, arriving: map[string]arrival{},
	}
}

// arrive notes an outcome that will write an entry, or might.
func (fs *seekHints) arrive(o *buffer.Outcome) {
	if o.Verb != buffer.Defer && o.Verb != buffer.Reopen {
		return
	}
	fs.held.lower(o.Position)
	fs.oldest.lower(o.Position)
	if f := fs.lanes[o.Lane]; f != nil {
		f.lower(o.Position)
	}
	fs.arrivals.add(o.Position)
	a := fs.arriving[o.Lane]
	a.add(o.Position)
	fs.arriving[o.Lane] = a
}

// arrived notes that what was noted by arrive is in the store, or never will be.
func (fs *seekHints) arrived(o *buffer.Outcome) {
	if o.Verb != buffer.Defer && o.Verb != buffer.Reopen {
		return
	}
	fs.arrivals.count--
	a := fs.arriving[o.Lane]
	a.count--
	if a.count == 0 {
		delete(fs.arriving, o.Lane)
		return
	}
	fs.arriving[o.Lane] = a
}

// lane returns a lane's hint, and makes one if there is none. Any other may be dropped for it: it can be found again.
func (fs *seekHints) lane(name string) *seekHint {
	if f := fs.lanes[name]; f != nil {
		return f
	}
	for other := range fs.lanes {
		if len(fs.lanes) < lanesKnown {
			break
		}
		delete(fs.lanes, other)
	}
	f := &seekHint{from: fs.arriving[name].lowest()}
	fs.lanes[name] = f
	return f
}

// seek returns an iterator at the first entry of a prefix from a position on, and raises the hint to it. The caller
// holds mu, and closes the iterator.
func (f *seekHint) seek(db *store.DB, prefix []byte, from uint64, a arrival) (store.Iterator, error) {
	it, position, err := seekPosition(db, prefix, max(from, f.start()))
	if err != nil {
		return store.Iterator{}, err
	}
	if f != nil {
		f.from, f.known = min(position, a.lowest()), true
	}
	return it, nil
}

// seekPosition returns an iterator at the first key of a prefix that ends in a position from a given one on, and that
// position, maxPosition if there is none.
func seekPosition(db *store.DB, prefix []byte, from uint64) (store.Iterator, uint64, error) {
	it, err := db.NewIter(&pebble.IterOptions{
		LowerBound: binary.BigEndian.AppendUint64(append([]byte{}, prefix...), from),
		UpperBound: format.After(prefix),
	})
	if err != nil {
		return store.Iterator{}, 0, err
	}
	if it.First() {
		position, ok := format.PositionBehind(prefix, it.Key())
		if !ok {
			position = 0 // not ours, so nothing is known
		}
		return it, position, nil
	}
	if err := it.Error(); err != nil {
		_ = it.Close()
		return store.Iterator{}, 0, err
	}
	return it, format.MaxPosition, nil
}
