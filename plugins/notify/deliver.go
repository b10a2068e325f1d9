package notify

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// letter is a pending message as it goes out.
type letter struct {
	id      id
	message send.Message
}

// failures are why targets did not take a letter.
type failures []error

// deliver brings letters to all targets that do not have them, side by side. It returns what went wrong for each
// letter. A target that is not ready is not asked again for the letters behind.
func deliver(ctx context.Context, s *state, targets []*target, letters []letter) []failures {
	results := make([]failures, len(letters))
	var mu sync.Mutex
	var done sync.WaitGroup
	for _, t := range targets {
		done.Go(func() {
			var down error
			for i, l := range letters {
				err := down
				if err == nil {
					err = t.take(ctx, s, targets, l)
				}
				if err == nil {
					continue
				}
				if !errors.Is(err, errRefused) {
					down = err
				}
				mu.Lock()
				results[i] = append(results[i], err)
				mu.Unlock()
			}
		})
	}
	done.Wait()
	return results
}

// take brings one letter to the target, unless it has it, and writes down that it does. One message is under way to it
// at a time, so a crash between the two repeats one message at most.
func (t *target) take(ctx context.Context, s *state, all []*target, l letter) error {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return t.judge(errors.New("other messages take too long"))
	}
	p, ok, err := s.left(l.id)
	if err != nil {
		return errors.Join(errLater, err)
	}
	if !ok || slices.Contains(p.Took, t.id) {
		return nil
	}
	if ctx.Err() != nil {
		return t.judge(errors.New("other messages take too long"))
	}
	if err := t.Send(ctx, l.message); err != nil {
		return t.judge(err)
	}
	if err := s.took(l.id, t.id, all); err != nil {
		return errors.Join(errLater, err)
	}
	return nil
}

// worst is what counts of several failures: while one target may take the letter later, it is not given up.
func (f failures) worst() error {
	if len(f) == 0 {
		return nil
	}
	for _, err := range f {
		if !errors.Is(err, errRefused) {
			return err
		}
	}
	return f[0]
}
