package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

const (
	// mostGroups is how many groups are held apart; what is of others is counted together.
	mostGroups = 1000
	// mostShown and mostFirst are how many groups a digest shows, and how many vehicles of each.
	mostShown = 25
	mostFirst = 5
)

// group is what is held back of one kind, source, type and code.
type group struct {
	Kind   kind   `json:"kind"`
	Source string `json:"source"`
	Type   string `json:"type,omitempty"`
	Code   string `json:"code"`
	// Vehicles is how many: each pair of a vehicle and a user counts once in a digest.
	Vehicles int `json:"vehicles"`
	// First are the ids of the first ones.
	First []string  `json:"first"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

func groupOf(n notice) group {
	return group{Kind: n.Kind, Source: n.facts.Source, Type: n.facts.Type, Code: n.facts.Code}
}

func (g group) key() id { return digestOf(string(g.Kind), g.Source, g.Type, g.Code) }

// others is the group for what finds no room in one of its own.
func (g group) others() group {
	return group{Kind: g.Kind, Source: "", Code: "of other codes or sources"}
}

// add counts a vehicle.
func (g group) add(vehicle string, now time.Time) group {
	if g.Vehicles == 0 {
		g.Since = now
	}
	g.Vehicles, g.Until = g.Vehicles+1, now
	if len(g.First) < mostFirst {
		g.First = append(g.First, vehicle)
	}
	return g
}

func (g group) String() string {
	var b strings.Builder
	b.WriteString(countOf(g.Vehicles))
	if g.Source != "" {
		b.WriteString(" of source " + g.Source)
	}
	b.WriteString(verbOf(g.Kind, g.Vehicles))
	if g.Type != "" && g.Type != g.Code {
		b.WriteString(g.Type + " ")
	}
	b.WriteString(g.Code)
	if g.Vehicles > len(g.First) {
		b.WriteString(", the first ")
	} else {
		b.WriteString(": ")
	}
	b.WriteString(strings.Join(g.First, ", "))
	return b.String()
}

func verbOf(k kind, vehicles int) string {
	one := vehicles == 1
	switch {
	case k == kindResolved && one:
		return " no longer has error "
	case k == kindResolved:
		return " no longer have error "
	case k == kindCondition && one:
		return " meets condition "
	case k == kindCondition:
		return " meet condition "
	case one:
		return " has error "
	}
	return " have error "
}

func countOf(vehicles int) string {
	if vehicles == 1 {
		return "1 vehicle"
	}
	return fmt.Sprintf("%d vehicles", vehicles)
}

// digest makes one message of groups, those of most vehicles first.
func digest(handler string, number id, groups []group) send.Message {
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(b.Vehicles-a.Vehicles, strings.Compare(a.String(), b.String()))
	})
	shown := groups[:min(len(groups), mostShown)]
	var text strings.Builder
	for _, g := range shown {
		fmt.Fprintln(&text, g)
	}
	if more := len(groups) - len(shown); more > 0 {
		rest := 0
		for _, g := range groups[len(shown):] {
			rest += g.Vehicles
		}
		fmt.Fprintf(&text, "And %d more codes or sources, with %s in all\n", more, countOf(rest))
	}
	sum := 0
	for _, g := range groups {
		sum += g.Vehicles
	}
	title := fmt.Sprintf("%d notices in one", sum)
	if len(groups) == 1 {
		title = fmt.Sprintf("%s: %s", groups[0].Code, countOf(sum))
		if groups[0].Kind == kindResolved {
			title = "Resolved: " + title
		}
	}
	return encode(payload{
		ID: number.String(), Kind: "digest", Handler: handler, Title: clip(title, mostTitle), Text: text.String(),
		Groups: shown,
	})
}
