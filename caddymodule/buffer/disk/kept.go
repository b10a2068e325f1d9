package disk

import (
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// kept is an event that damaged files hold beside the log: in a dead letter, or in the copy that a handler waits with
// which gets the event again.
type kept struct {
	// group is the one that wrote it, 0 for the store.
	group    uint64
	position uint64
	// handler is that of a dead letter, "" also for a copy.
	handler    string
	isCopy     bool
	conflict   bool
	intact     bool
	receivedAt time.Time
	fate       fate
}

// fate is what recovering makes of it.
type fate int

const (
	// leave: its event is in the log, or cannot be read.
	leave fate = iota
	// appendAgain: the event is appended, and is a dead letter again where it was one of no handler.
	appendAgain
	// putBack: the dead letter is put back as it was, since all other handlers have had its event.
	putBack
)

// isKept reports whether a key is that of a dead letter or of a copy.
func isKept(key []byte) bool {
	return len(key) > 0 && (key[0] == format.KindDeadLetter || key[0] == format.KindCopy)
}

// openKept reads what is stored under a key, and returns the event if that is intact; false for what can be nothing.
func openKept(key, value []byte) (k kept, e buffer.Event, ok bool) {
	if key[0] == format.KindCopy {
		name := slices.Index(key, 0)
		if name < 0 {
			return k, e, false
		}
		k.isCopy = true
		if k.position, ok = format.PositionBehind(key[:name+1], key); !ok {
			return k, e, false
		}
		e, _, err := format.DecodeEvent(value, k.position)
		k.intact, k.receivedAt = err == nil, e.ReceivedAt
		return k, e, true
	}
	id, ok := format.ParseDeadLetterKey(key)
	if !ok {
		return k, e, false
	}
	k.position, k.handler = id.Position, id.Handler
	letter, intact, err := format.OpenDeadLetter(value, id.Position)
	if err != nil {
		return k, e, false
	}
	k.conflict = letter.Reason == buffer.ReasonConflict
	k.intact, k.receivedAt = intact, letter.Event.ReceivedAt
	return k, letter.Event, true
}

// keep notes what a group, or the store, has under a key.
func (s *survey) keep(group uint64, key, value []byte) {
	k, _, ok := openKept(key, value)
	if !ok {
		return
	}
	k.group = group
	if k.ofNone() && k.intact {
		s.letters[k.position] = true
	}
	if group == 0 || group > s.applied {
		s.kept[string(key)] = &k
	}
}

// removeRange forgets what lies between two keys.
func (s *survey) removeRange(from, to string) {
	for key := range s.kept {
		if strings.Compare(key, from) >= 0 && strings.Compare(key, to) < 0 {
			delete(s.kept, key)
		}
	}
}

// ofNone reports whether it is a dead letter of no handler.
func (k *kept) ofNone() bool { return !k.isCopy && k.handler == "" }

// decide finds the fate of all that is kept, and forgets what is left. begins is the first position of the log that
// nobody has trimmed.
func (s *survey) decide(begins uint64) {
	for key, k := range s.kept {
		if k.fate = s.fateOf(k, begins); k.fate == leave {
			delete(s.kept, key)
			continue
		}
		if k.fate == appendAgain {
			s.found[k.position] = true
		}
		if k.fate == putBack || k.ofNone() {
			s.result.Letters++
		}
		s.readable(k.receivedAt)
	}
}

func (s *survey) fateOf(k *kept, begins uint64) fate {
	missing := s.missing.has(k.position)
	switch {
	case k.position >= s.first && k.position < s.next && !missing && !s.letters[k.position]:
		return leave
	case k.ofNone() && k.intact:
		return appendAgain
	case k.isCopy && !k.intact, s.found[k.position]:
		return leave
	case k.isCopy, k.intact && missing && k.position >= begins:
		return appendAgain
	}
	return putBack
}

// eachChange calls f with what a batch changes. What can be read of a damaged one counts.
func eachChange(batch []byte, f func(kind pebble.InternalKeyKind, key, value []byte)) {
	if len(batch) == 0 {
		return
	}
	r := batchrepr.Read(batch)
	for {
		kind, key, value, ok, err := r.Next()
		if !ok || err != nil {
			return
		}
		f(kind, key, value)
	}
}
