package disk

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// maxConflicts bounds how many events that differ from the stored one are kept under one id, so that a sender that
// makes every retry a little different cannot fill the disk.
const maxConflicts = 4

// stageConflict keeps an event that differs from the one that is stored under its id: both were signed, and nobody knows
// which one is right. Each kept one has a dedupe entry of its own, so that its retries find it.
func (t *appendTask) stageConflict(g *group) error {
	for n := range maxConflicts {
		key := conflictKey(t.key, n)
		s, ok, err := g.lookUp(key, 0)
		if err != nil {
			return err
		}
		if !ok {
			t.receipt.Kept = true
			g.stageSeen(key, t)
			g.stageLetterOnly(t, t.conflictReason())
			return nil
		}
		if s.Digest == t.digest {
			t.receipt.Kept = true
			return nil
		}
	}
	return nil
}

func (t *appendTask) conflictReason() buffer.Reason {
	if t.unreadable {
		return buffer.ReasonUnreadable
	}
	return buffer.ReasonConflict
}

// conflictKey is the dedupe key of the nth event that differs from the first one under a key. No source has such a name.
func conflictKey(first format.DedupeKey, n int) format.DedupeKey {
	return format.MakeDedupeKey(fmt.Sprintf("conflict %d", n), string(first[:]))
}
