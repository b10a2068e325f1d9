package alert

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// Attention is about targets that messages do not get to.
func (w *Watch) Attention() []api.Attention {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	var list []api.Attention
	for _, t := range w.config.Targets {
		p := &w.peers[t.Key].pace
		if p.failures < failuresTold {
			continue
		}
		const try = "caddy smartcar attention test"
		list = append(list, api.Attention{
			Kind: api.MessageUnsent, Level: api.LevelWarning, About: t.Name, Commands: []string{try},
			What: text.Because("messages about what needs attention do not get to "+t.Name+
				", tried for "+text.Duration(now.Sub(p.failing)), p.err.Error()),
			Do: "put it right, then: " + try,
		})
	}
	return list
}

// Report is what stands and what was said of it.
func (w *Watch) Report() api.AttentionReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.config
	r := api.AttentionReport{
		Targets: []api.AttentionTarget{}, Items: []api.StandingAttention{}, Messages: slices.Clone(w.messages),
	}
	if len(c.Targets) == 0 {
		return r
	}
	r.Every, r.After, r.Level = api.Seconds(c.Every), api.Seconds(c.After), c.Level
	for _, t := range c.Targets {
		p := w.peers[t.Key].pace
		v := api.AttentionTarget{
			Target: t.Name, Sent: p.total, LastSentAt: api.UTC(p.last), FailingSince: api.UTC(p.failing),
		}
		if p.err != nil {
			v.LastError, v.NextTryAt = p.err.Error(), api.UTC(p.next)
		}
		r.Targets = append(r.Targets, v)
	}
	for id, it := range w.stand.items {
		if w.stand.stands(id) != nil {
			r.Items = append(r.Items, api.StandingAttention{
				ID: id, Attention: it.Attention, Since: it.since.UTC(), Wanted: c.wants(&it.Attention),
			})
		}
	}
	slices.SortFunc(r.Items, func(a, b api.StandingAttention) int {
		return cmp.Or(strings.Compare(a.Level, b.Level), strings.Compare(a.ID, b.ID))
	})
	return r
}

// Test sends each target a message that says it is a test, all at once, and returns what came of it. It counts as no
// message about anything, but one that gets through ends what failed.
func (w *Watch) Test(ctx context.Context) []api.AttentionTest {
	w.mu.Lock()
	targets := slices.Clone(w.config.Targets)
	m, err := testMessage(time.Now(), w.place(), w.stand.count(w.config.Rules))
	w.mu.Unlock()
	results := make([]api.AttentionTest, len(targets))
	var tests sync.WaitGroup
	for i, t := range targets {
		tests.Go(func() {
			failure := err
			if failure == nil {
				failure = t.Sender.Send(ctx, m)
			}
			results[i] = api.AttentionTest{Target: t.Name, Sent: failure == nil}
			if failure != nil {
				results[i].Error = failure.Error()
				return
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if p := w.peers[t.Key]; p != nil {
				p.pace.forgive()
			}
		})
	}
	tests.Wait()
	return results
}
