package disk

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// An orphan that loses its copies of events and is removed in the same step gives their
// room back once: what is left still counts in full, or more would be stored than max_size.
func TestRemovedOrphanGivesItsCopiesBackOnce(t *testing.T) {
	b, clock := openFor(t, Options{Limits: Limits{Retention: 24 * hour}})
	gone := openConsumer(t, b, "gone")
	appendTo(t, b, 1, 4)
	settleN(t, gone, 1, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	settleN(t, gone, 1, doneAll)
	clock.Advance(25 * hour)
	wantFirst(t, b, 3)
	reopenLetters(t, b, gone)
	unreadable := crashEvent("u", 5000)
	unreadable.Unreadable = "no JSON"
	if _, err := b.Append(t.Context(), unreadable); err != nil {
		t.Fatal(err)
	}
	closeAll(t, gone)
	keepOnly(t, b)
	clock.Advance(25 * hour)
	wantFirst(t, b, 6)
	wantConsumers(t, b)
	var stored uint64
	err := b.use(func(db *store.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{format.KindDeadLetter}, UpperBound: []byte{format.KindDeadLetter + 1}})
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			stored += format.Cost(len(it.Value()))
		}
		return it.Error()
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := b.bytes(); stored == 0 || n != stored {
		t.Errorf("%d bytes are accounted for, and %d are stored", n, stored)
	}
}
