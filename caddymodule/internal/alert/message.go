package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

const (
	// mostNamed is how many things one message says in full.
	mostNamed = 10
	// mostWords bounds each of what and do, in bytes.
	mostWords = 400
)

// Payload is the JSON that a webhook gets.
type Payload struct {
	// Title is one line.
	Title string    `json:"title"`
	At    time.Time `json:"at"`
	// Host is the name of the machine, and Sources those of its receivers.
	Host    string   `json:"host"`
	Sources []string `json:"sources"`
	// Test: somebody tries whether messages get through, and nothing is the matter.
	Test bool `json:"test,omitempty"`
	// Items are what the message is about: what stops events first, and last what has ended.
	Items []Item `json:"items"`
	// Standing is how many things stand in all.
	Standing int `json:"standing"`
}

// Item is one thing of a message.
type Item struct {
	// ID is the same for as long as it lasts.
	ID    string `json:"id"`
	State State  `json:"state"`
	api.Attention
	Since time.Time `json:"since"`
	// EndedAt is when it was seen last.
	EndedAt time.Time `json:"ended_at,omitzero"`
	Lasted  float64   `json:"lasted_seconds"`
}

// place is where messages come from.
type place struct {
	host    string
	sources []string
}

// compose makes a message of what is due.
func compose(now time.Time, from place, list []entry, total int) (send.Message, error) {
	payload := Payload{
		At: now.UTC(), Host: from.host, Sources: from.sources, Items: make([]Item, 0, len(list)), Standing: total,
	}
	for _, e := range list {
		payload.Items = append(payload.Items, itemOf(now, e))
	}
	payload.Title = title(from, payload.Items)
	return encode(payload, body(from, payload.Items, total))
}

// testMessage is for who tries whether messages get through.
func testMessage(now time.Time, from place, total int) (send.Message, error) {
	payload := Payload{
		Title: from.host + ": a test, nothing is the matter", At: now.UTC(), Host: from.host, Sources: from.sources,
		Test: true, Items: []Item{}, Standing: total,
	}
	words := "Somebody has asked for this message: caddy smartcar attention test\n"
	if total > 0 {
		words += fmt.Sprintf("By the way, %s attention: caddy smartcar status\n", needs(total))
	}
	return encode(payload, head(from)+words)
}

func encode(payload Payload, words string) (send.Message, error) {
	if payload.Sources == nil {
		payload.Sources = []string{}
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return send.Message{}, fmt.Errorf("encoding the message: %w", err)
	}
	return send.Message{Title: payload.Title, Text: words, JSON: raw}, nil
}

// itemOf is what leaves the machine of an item: all but what a program that is not ours has said.
func itemOf(now time.Time, e entry) Item {
	a := e.Attention
	if what, ok := strings.CutSuffix(a.What, ": "+a.Said); ok && a.Said != "" {
		a.What = what
		if a.Handler != "" {
			a.What += " (why: caddy smartcar status " + a.Handler + ")"
		}
	}
	a.Said = ""
	a.What, a.Do = text.Clip(text.Clean(a.What), mostWords), text.Clip(text.Clean(a.Do), mostWords)
	it := Item{ID: e.ID(), State: e.state, Attention: a, Since: e.since.UTC()}
	end := now
	if e.state == Ended {
		end, it.EndedAt = e.seen, e.seen.UTC()
	}
	it.Lasted = api.Seconds(max(0, end.Sub(e.since)))
	return it
}

// title says it in one line.
func title(from place, items []Item) string {
	var stand, ended []Item
	for _, it := range items {
		if it.State == Ended {
			ended = append(ended, it)
			continue
		}
		stand = append(stand, it)
	}
	switch {
	case len(stand) == 1 && len(ended) == 0:
		return from.host + ": " + text.Shorten(stand[0].What, 120)
	case len(stand) == 0 && len(ended) == 1:
		return from.host + ": resolved: " + text.Shorten(ended[0].What, 110)
	case len(stand) == 0:
		return fmt.Sprintf("%s: %d things are resolved", from.host, len(ended))
	case len(ended) == 0:
		return fmt.Sprintf("%s: %s attention", from.host, needs(len(stand)))
	default:
		return fmt.Sprintf("%s: %s attention, %d resolved", from.host, needs(len(stand)), len(ended))
	}
}

// needs is a number of things with its verb.
func needs(n int) string {
	if n == 1 {
		return "1 thing needs"
	}
	return fmt.Sprintf("%d things need", n)
}

func head(from place) string {
	if len(from.sources) == 0 {
		return "On " + from.host + ":\n\n"
	}
	return fmt.Sprintf("On %s, which receives %s:\n\n", from.host, strings.Join(from.sources, ", "))
}

// body says all of it, in the form of the status.
func body(from place, items []Item, total int) string {
	var b strings.Builder
	b.WriteString(head(from))
	said := 0
	for i := range items {
		it := &items[i]
		if it.State != Ended {
			said++
		}
		if i >= mostNamed {
			continue
		}
		lasted := text.Duration(time.Duration(it.Lasted * float64(time.Second)))
		switch {
		case it.State == Ended:
			fmt.Fprintf(&b, "+ resolved, after %s: %s\n", lasted, it.What)
			continue
		case it.Level == api.LevelError:
			b.WriteString("! ")
		default:
			b.WriteString("- ")
		}
		fmt.Fprintf(&b, "%s\n  %s\n", it.What, it.Do)
		if it.State == Lasting {
			fmt.Fprintf(&b, "  (it has lasted for %s)\n", lasted)
		}
	}
	if more := len(items) - mostNamed; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	if others := total - said; others > 0 {
		fmt.Fprintf(&b, "\n%d more, said before or new: caddy smartcar status\n", others)
	}
	return b.String()
}
