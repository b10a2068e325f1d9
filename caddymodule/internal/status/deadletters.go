package status

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	// maxLooked bounds how many dead letters a status looks at, seenFor how long it
	// makes do with what it saw: they are read from the disk, with their events.
	maxLooked = 1000
	seenFor   = 5 * time.Second
	// burstOf dead letters within burstWithin are more than an odd event: the handler
	// rejects what it gets.
	burstOf     = 10
	burstWithin = 10 * time.Minute
)

// deadLetters is what the latest dead letters have in common.
type deadLetters struct {
	handlers []handlerDeadLetters // those with the most first
	// hour counts those of the last hour; more: at least as many.
	hour int
	more bool
	// part: there are more than were looked at.
	part bool
}

// handlerDeadLetters are those of one handler, "" for unreadable ones, which have none.
type handlerDeadLetters struct {
	handler string
	total   int
	lately  int            // within burstWithin
	reasons map[string]int // with the handler's own code
}

// DeadLetterWatch remembers the latest look at the dead letters.
type DeadLetterWatch struct {
	mu     sync.Mutex
	at     time.Time
	stored uint64
	seen   deadLetters
}

func (w *DeadLetterWatch) current() deadLetters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// letterLister is what the watch needs of the engine.
type letterLister interface {
	DeadLetters(ctx context.Context, f engine.Filter, after buffer.DeadLetterID, limit int) (engine.DeadLetterPage, error)
	DeadLettersSince(ctx context.Context, t time.Time) (buffer.DeadLetterID, error)
}

// Look brings the watch up to date.
func (w *DeadLetterWatch) Look(ctx context.Context, now time.Time, list letterLister, stored uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stored == w.stored && now.Sub(w.at) < seenFor {
		return
	}
	w.at, w.stored, w.seen = now, stored, deadLetters{}
	if stored == 0 {
		return
	}
	var after buffer.DeadLetterID
	if stored > maxLooked {
		var err error
		if after, err = list.DeadLettersSince(ctx, now.Add(-time.Hour)); err != nil {
			return // their number is known all the same
		}
	}
	page, err := list.DeadLetters(ctx, engine.Filter{}, after, maxLooked)
	if err == nil && len(page.DeadLetters) == 0 && after != "" {
		page, err = list.DeadLetters(ctx, engine.Filter{}, "", maxLooked)
	}
	if err != nil {
		return // their number is known all the same
	}
	var lately engine.DeadLetterPage
	if page.Next != "" {
		// What died in the last minutes may be behind the page.
		if after, err = list.DeadLettersSince(ctx, now.Add(-burstWithin)); err == nil {
			lately, _ = list.DeadLetters(ctx, engine.Filter{}, after, maxLooked)
		}
	}
	w.seen = countDeadLetters(now, page, lately)
	w.seen.part = uint64(len(page.DeadLetters)) < stored
}

// countDeadLetters counts a page and, where there is one, another that begins later.
func countDeadLetters(now time.Time, page, lately engine.DeadLetterPage) deadLetters {
	d := deadLetters{more: page.Next != ""}
	by := map[string]*handlerDeadLetters{}
	of := func(name string) *handlerDeadLetters {
		if by[name] == nil {
			by[name] = &handlerDeadLetters{handler: name, reasons: map[string]int{}}
		}
		return by[name]
	}
	count := func(l *buffer.DeadLetter) {
		h := of(l.Handler)
		h.total++
		h.reasons[strings.TrimSpace(string(l.Reason)+" "+text.Clean(l.HandlerReason))]++
		if now.Sub(l.DiedAt) <= time.Hour {
			d.hour++
		}
		if now.Sub(l.DiedAt) <= burstWithin {
			h.lately++
		}
	}
	last := buffer.DeadLetterID("")
	for i := range page.DeadLetters {
		count(&page.DeadLetters[i])
		last = page.DeadLetters[i].ID
	}
	for i := range lately.DeadLetters {
		if lately.DeadLetters[i].ID > last {
			count(&lately.DeadLetters[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		d.handlers = append(d.handlers, *by[name])
	}
	slices.SortStableFunc(d.handlers, func(a, b handlerDeadLetters) int { return cmp.Compare(b.total, a.total) })
	return d
}

// attention reports how many dead letters there are, of which handlers and why, and which
// handlers are producing them now.
func (d *deadLetters) attention(stored uint64) []api.Attention {
	if stored == 0 {
		return nil
	}
	var list []api.Attention
	for _, h := range d.handlers {
		if h.handler == "" || h.lately < burstOf {
			continue
		}
		look, pause := "caddy smartcar dead-letters --handler "+h.handler, "caddy smartcar pause "+h.handler
		list = append(list, api.Attention{
			Kind: api.HandlerRejects, Level: api.LevelError, Handler: h.handler,
			What: fmt.Sprintf("%s gives up on what it gets: %s in the last %d minutes, %s", h.handler,
				text.Plural(uint64(h.lately), "dead letter"), int(burstWithin.Minutes()), h.why()),
			Do:       look + "; to hold the rest: " + pause,
			Commands: []string{look, pause},
		})
	}
	what := text.Plural(stored, "dead letter")
	if d.hour > 0 {
		least := ""
		if d.more {
			least = "at least "
		}
		what += fmt.Sprintf(", %s%s in the last hour", least, humanize.Comma(int64(d.hour)))
	}
	if of := d.of(); of != "" {
		what += ": " + of
	}
	look := "caddy smartcar dead-letters"
	return append(list, api.Attention{Kind: api.DeadLetters, Level: api.LevelWarning, What: what,
		Do: look + ", then: dead-letters replay or drop", Commands: []string{look}})
}

// maxNamed is how many handlers are named.
const maxNamed = 3

func (d *deadLetters) of() string {
	parts := make([]string, 0, len(d.handlers))
	for i := range d.handlers {
		if i == maxNamed {
			parts = append(parts, "and others")
			break
		}
		name := d.handlers[i].handler
		if name == "" {
			name = "no handler"
		}
		parts = append(parts, name+" "+d.handlers[i].why())
	}
	of := strings.Join(parts, "; ")
	if of != "" && d.part {
		of += "; more were not looked at"
	}
	return of
}

// why names the reasons, the most frequent first.
func (h *handlerDeadLetters) why() string {
	reasons := slices.Sorted(maps.Keys(h.reasons))
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(h.reasons[b], h.reasons[a]) })
	if len(reasons) == 1 {
		return reasons[0]
	}
	parts := make([]string, 0, maxNamed)
	for i, reason := range reasons {
		if i == maxNamed {
			parts = append(parts, "and others")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", reason, h.reasons[reason]))
	}
	return strings.Join(parts, ", ")
}
