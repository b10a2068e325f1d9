package disk

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// survey is what can be read in a folder of damaged files, and what is missing there.
//
// An event that was answered 200 lies in the log, unless it could not be read as an event or differed from another one
// of its id: then it is a dead letter of no handler, its position has no record, and the letter is in the changes that
// the group makes in the store. Of an event that was trimmed, a dead letter of a handler may be all that is left, or the
// copy that a handler waits with which gets it again.
type survey struct {
	b   *Buffer
	set damaged.Set
	// folder is where the log lies, and storeFolder the store that knew of its events.
	folder, storeFolder string
	// part: the files are a part of the log that the buffer goes on with. Their positions are its own, and the letters
	// are in its store.
	part bool

	// first is where the log begins, and next where it ends; 0 without one. begins is where it began by what the groups
	// say, trimmed events being gone; 0 where they do not.
	first, next, begins uint64
	// firstGroup is the number of the first group that was found, 0 without one.
	firstGroup uint64
	// missing are positions of which neither the record nor a letter is found. found are those of them whose event is in
	// another letter, or in a copy.
	missing positions
	found   map[uint64]bool
	// letters are the positions of dead letters of no handler, also of those that are gone.
	letters map[uint64]bool
	// kept are the letters and copies that nothing has removed, by their keys.
	kept map[string]*kept
	// applied is the last group that the store has, and storeLost whether it cannot be read.
	applied   uint64
	storeLost bool

	result buffer.Recovered
}

func newSurvey(b *Buffer, set damaged.Set) *survey {
	folder := func(name string) string { return b.opts.FS.PathJoin(b.opts.Path, damaged.Folder, name) }
	return &survey{
		b: b, set: set, folder: folder(set.Name), storeFolder: folder(cmp.Or(set.Store, set.Name)),
		part: set.What == buffer.DamagedLog, found: map[uint64]bool{}, letters: map[uint64]bool{}, kept: map[string]*kept{},
	}
}

// run reads everything, and fills in the result as far as nothing needs to be stored for it.
func (s *survey) run(ctx context.Context) error {
	if !s.part {
		if err := s.readStore(ctx); err != nil {
			return err
		}
	}
	err := eventlog.ScanFiles(s.b.opts.FS, s.folder, func(g eventlog.Scanned) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.take(&g)
		return nil
	})
	if err != nil {
		return err
	}
	if s.part {
		return s.findInBuffer(ctx)
	}
	given, _, err := failstop.LastControl(s.b.opts.FS, s.folder)
	if err != nil {
		return err
	}
	s.finish(max(given, s.set.Given))
	return nil
}

// take looks at a group.
func (s *survey) take(g *eventlog.Scanned) {
	if g.Lost {
		if !s.part || !g.Elsewhere {
			s.missing.add(g.First, g.Next)
		}
		s.next = max(s.next, g.Next)
		return
	}
	if s.next == 0 {
		s.first = g.First
	}
	s.next = max(s.next, g.Next)
	if s.firstGroup == 0 {
		s.firstGroup = g.Number
	}
	s.takeChanges(g)
	for p := g.First; p < g.Next; p++ {
		raw := g.Record(int(p - g.First))
		if raw != nil && len(raw) == 0 {
			if !s.letters[p] {
				s.missing.add(p, p+1)
			}
			continue
		}
		e, _, err := format.DecodeEvent(raw, p)
		switch {
		case err == nil:
			s.readable(e.ReceivedAt)
		case !s.letters[p]:
			s.missing.add(p, p+1)
		}
	}
}

func (s *survey) readable(at time.Time) {
	r := &s.result
	r.Readable++
	if at.IsZero() {
		return
	}
	if r.Oldest.IsZero() || at.Before(r.Oldest) {
		r.Oldest = at
	}
	if at.After(r.Newest) {
		r.Newest = at
	}
}

// takeChanges notes what the group changes of letters and copies, and where it lets the log begin.
func (s *survey) takeChanges(g *eventlog.Scanned) {
	eachChange(g.Batch, func(kind pebble.InternalKeyKind, key, value []byte) {
		switch {
		case string(key) == string(format.MetaBeginning) && len(value) == 16:
			s.begins = max(s.begins, binary.BigEndian.Uint64(value))
		case kind == pebble.InternalKeyKindRangeDelete:
			if g.Number > s.applied {
				s.removeRange(string(key), string(value))
			}
		case !isKept(key):
		case kind == pebble.InternalKeyKindDelete, kind == pebble.InternalKeyKindSingleDelete:
			if id, ok := format.ParseDeadLetterKey(key); ok && id.Handler == "" {
				s.letters[id.Position] = true
			}
			if g.Number > s.applied {
				delete(s.kept, string(key))
			}
		case kind == pebble.InternalKeyKindSet:
			s.keep(g.Number, key, value)
		}
	})
}

// finish counts what is missing. given is the position behind the last that is known to have been given.
func (s *survey) finish(given uint64) {
	begins, known := max(s.begins, s.set.First), true
	if begins == 0 {
		// A buffer begins with position 1, or far behind what was set aside before, of which nobody knows any more then.
		begins, known = 1, s.first <= spare
	}
	var missing positions
	if s.next == 0 {
		missing.add(begins, given)
	} else {
		if known {
			missing.add(begins, s.first)
		}
		for _, r := range s.missing.ranges {
			missing.add(r.from, r.to)
		}
		missing.add(s.next, given)
	}
	s.missing = missing
	s.decide(begins)
	s.result.Missing = missing.countFrom(begins)
	for p := range s.found {
		if p >= begins && missing.has(p) {
			s.result.Missing--
		}
	}
	// From the first group on, the log says it all.
	whole := s.firstGroup == 1 && missing.countFrom(begins) == missing.countFrom(0)
	s.result.LettersLost = s.storeLost && !whole
}

// findInBuffer counts what the buffer cannot read either of what cannot be read in a part of its log.
func (s *survey) findInBuffer(ctx context.Context) error {
	for _, r := range s.missing.ranges {
		for p := max(r.from, s.b.first.Load()); p < min(r.to, s.b.durable.Load()+1); p++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			_, _, err := s.b.readEvent(p)
			if isDamage(err) && !errors.Is(err, eventlog.ErrNotFound) {
				s.result.Missing++
			}
		}
	}
	return nil
}
