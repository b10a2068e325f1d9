package disk

import (
	"context"
)

// changeTask is a small change that the committer makes.
type changeTask struct {
	waiter
	f func(g *group) error
}

// change has the committer call f, and returns when what f staged is durable.
func (b *Buffer) change(ctx context.Context, f func(g *group) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &changeTask{waiter: newWaiter(), f: f}
	_, err := b.committer.do(ctx, t, &t.waiter)
	return err
}

func (t *changeTask) size() int            { return 256 }
func (t *changeTask) stage(g *group) error { return t.f(g) }
func (t *changeTask) done(err error)       { t.finish(err) }
