package caddymodule

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
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

const (
	// deathLooks bounds how many dead letters a status looks at, deathsKept how long it
	// makes do with what it saw: they are read from the disk, with their events.
	deathLooks = 1000
	deathsKept = 5 * time.Second
	// rashOf dead letters within rashWithin are no odd event any more: the handler
	// gives up on what it gets.
	rashOf     = 10
	rashWithin = 10 * time.Minute
)

// deaths is what the latest dead letters have in common.
type deaths struct {
	handlers []handlerDeaths // those with the most first
	// hour counts those of the last hour; more: at least as many.
	hour int
	more bool
	// part: there are more than were looked at.
	part bool
}

// handlerDeaths are those of one handler, "" for unreadable ones, which have none.
type handlerDeaths struct {
	handler string
	total   int
	lately  int            // within rashWithin
	reasons map[string]int // with the handler's own code
}

// deathWatch keeps what was seen last.
type deathWatch struct {
	mu     sync.Mutex
	at     time.Time
	stored uint64
	seen   deaths
}

func (w *deathWatch) current() deaths {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// letterLister is what the watch needs of the engine.
type letterLister interface {
	DeadLetters(ctx context.Context, f engine.Filter, after buffer.DeadLetterID, limit int) (engine.LetterPage, error)
}

// look brings the watch up to date. since makes an id that begins at a time, and is nil
// where the buffer has no such thing.
func (w *deathWatch) look(ctx context.Context, now time.Time, list letterLister, stored uint64, since func(time.Time) buffer.DeadLetterID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stored == w.stored && now.Sub(w.at) < deathsKept {
		return
	}
	w.at, w.stored, w.seen = now, stored, deaths{}
	if stored == 0 {
		return
	}
	var after buffer.DeadLetterID
	if stored > deathLooks && since != nil {
		after = since(now.Add(-time.Hour))
	}
	page, err := list.DeadLetters(ctx, engine.Filter{}, after, deathLooks)
	if err == nil && len(page.Letters) == 0 && after != "" {
		page, err = list.DeadLetters(ctx, engine.Filter{}, "", deathLooks)
	}
	if err != nil {
		return // their number is known all the same
	}
	var lately engine.LetterPage
	if page.Next != "" && since != nil {
		// What died in the last minutes may be behind the page.
		lately, _ = list.DeadLetters(ctx, engine.Filter{}, since(now.Add(-rashWithin)), deathLooks)
	}
	w.seen = countDeaths(now, page, lately)
	w.seen.part = uint64(len(page.Letters)) < stored
}

// countDeaths counts a page and, where there is one, another that begins later.
func countDeaths(now time.Time, page, lately engine.LetterPage) deaths {
	d := deaths{more: page.Next != ""}
	by := map[string]*handlerDeaths{}
	of := func(name string) *handlerDeaths {
		if by[name] == nil {
			by[name] = &handlerDeaths{handler: name, reasons: map[string]int{}}
		}
		return by[name]
	}
	count := func(l *buffer.DeadLetter) {
		h := of(l.Handler)
		h.total++
		h.reasons[strings.TrimSpace(string(l.Reason)+" "+clean(l.Code))]++
		if now.Sub(l.DiedAt) <= time.Hour {
			d.hour++
		}
		if now.Sub(l.DiedAt) <= rashWithin {
			h.lately++
		}
	}
	last := buffer.DeadLetterID("")
	for i := range page.Letters {
		count(&page.Letters[i])
		last = page.Letters[i].ID
	}
	for i := range lately.Letters {
		if lately.Letters[i].ID > last {
			count(&lately.Letters[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		d.handlers = append(d.handlers, *by[name])
	}
	slices.SortStableFunc(d.handlers, func(a, b handlerDeaths) int { return cmp.Compare(b.total, a.total) })
	return d
}

// attention says how many dead letters there are, of whom and why, and which handlers
// make them just now.
func (d *deaths) attention(stored uint64) []attentionView {
	if stored == 0 {
		return nil
	}
	var list []attentionView
	for _, h := range d.handlers {
		if h.handler == "" || h.lately < rashOf {
			continue
		}
		list = append(list, attentionView{
			Level: levelError, Handler: h.handler,
			What: fmt.Sprintf("%s gives up on what it gets: %s in the last %d minutes, %s", h.handler,
				plural(uint64(h.lately), "dead letter"), int(rashWithin.Minutes()), h.why()),
			Do: fmt.Sprintf("caddy smartcar dead-letters --handler %[1]s; to hold the rest: caddy smartcar pause %[1]s", h.handler),
		})
	}
	what := plural(stored, "dead letter")
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
	return append(list, attentionView{Level: levelWarning, What: what, Do: "caddy smartcar dead-letters, then: dead-letters replay or drop"})
}

// namedDeaths is how many handlers are named.
const namedDeaths = 3

func (d *deaths) of() string {
	parts := make([]string, 0, len(d.handlers))
	for i := range d.handlers {
		if i == namedDeaths {
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
func (h *handlerDeaths) why() string {
	reasons := slices.Sorted(maps.Keys(h.reasons))
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(h.reasons[b], h.reasons[a]) })
	if len(reasons) == 1 {
		return reasons[0]
	}
	parts := make([]string, 0, namedDeaths)
	for i, reason := range reasons {
		if i == namedDeaths {
			parts = append(parts, "and others")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", reason, h.reasons[reason]))
	}
	return strings.Join(parts, ", ")
}
