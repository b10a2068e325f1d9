package disk

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// settleTask is a list of outcomes on its way to the disk.
type settleTask struct {
	waiter
	st    *consumerState
	items []settlement
	bytes int
}

type settlement struct {
	outcome buffer.Outcome
	was     lease
	// claimed: the outcome ends a lease. Reopen and PutMemo do not.
	claimed bool
	// letter is set for a dead letter.
	letter *format.DeadLetter
	// old is what the store has of an event to be reopened.
	old stored
}

// stored is what the store has of an event that is to be reopened.
type stored struct {
	// whole: the event record is there and intact.
	whole bool
	// deferred: the consumer has it set aside.
	deferred bool
	// letter is the dead letter's key, letterCost what it counts for, and record the event in it, if
	// that is intact.
	letter     []byte
	letterCost uint64
	record     []byte
}

// stageDeferred writes a deferred event's entries. Callers hold mu.
func (st *consumerState) stageDeferred(g *group, o *buffer.Outcome, fresh bool) {
	_ = g.batch.Set(format.DeferredKey(st.name, o.Lane, o.Position), format.EncodeRetry(o.Retry), nil)
	_ = g.batch.Set(format.DeferredAtKey(st.name, o.Position), []byte(o.Lane), nil)
	st.staged[o.Position] = true
	if fresh {
		st.progress.Deferred++
	}
}

func (st *consumerState) unclaim(items []settlement) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.settling--
	for i := range items {
		it := &items[i]
		st.hints.arrived(&it.outcome)
		if !it.claimed {
			continue
		}
		if st.handle == nil {
			delete(st.leased, it.outcome.Position)
			continue
		}
		st.leased[it.outcome.Position] = it.was
	}
}
