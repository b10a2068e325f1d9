package route

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// generator writes random expressions of the when language.
type generator struct{ *rand.Rand }

func (g generator) pick(words ...string) string { return words[g.IntN(len(words))] }

var words = []string{
	"", "LIVE", "live", "VEHICLE_STATE", "a", "A", "aa", "e\u0301", "\u00e9", "\u212b", "\u00c5", "\u1e9e", "\u0130",
	"\U0001f697", "0", "-1", "a\x00b",
}

func (g generator) literal() string {
	return `"` + strings.ReplaceAll(words[g.IntN(len(words))], "\x00", `\u0000`) + `"`
}

func (g generator) text(depth int) string {
	switch n := g.IntN(12); {
	case depth == 0 || n < 5:
		return "event." + g.pick("id", "type", "mode", "source", "vehicle", "user", "webhook")
	case n < 8:
		return g.literal()
	case n == 8:
		return fmt.Sprintf("%s(%s)", g.pick("lower", "upper"), g.text(depth-1))
	case n == 9:
		return fmt.Sprintf("coalesce(%s, %s)", g.text(depth-1), g.text(depth-1))
	case n == 10:
		return fmt.Sprintf(`"x${%s}y"`, g.text(depth-1))
	default:
		return fmt.Sprintf("(%s ? %s : %s)", g.bool(depth-1), g.text(depth-1), g.text(depth-1))
	}
}

func (g generator) number(depth int) string {
	switch g.IntN(5) {
	case 0:
		return "event.received_at"
	case 1:
		return fmt.Sprintf("length(%s)", g.text(max(depth-1, 0)))
	case 2:
		return g.pick(`unixtime("2026-01-31T12:00:00Z")`, `unixtime("1970-01-01T00:00:00+01:00")`)
	case 3:
		return g.pick("-1", "-(1)", "0.5", "9223372036854775808")
	default:
		return g.pick("0", "1", "2", "1767225600")
	}
}

func (g generator) bool(depth int) string {
	if depth == 0 {
		return g.pick("true", "false", `event.mode == "LIVE"`)
	}
	depth--
	switch g.IntN(10) {
	case 0:
		return fmt.Sprintf("(%s && %s)", g.bool(depth), g.bool(depth))
	case 1:
		return fmt.Sprintf("(%s || %s)", g.bool(depth), g.bool(depth))
	case 2:
		return "!(" + g.bool(depth) + ")"
	case 3, 4:
		return fmt.Sprintf("(%s %s %s)", g.text(depth), g.pick("==", "!="), g.text(depth))
	case 5:
		return fmt.Sprintf("(%s %s %s)", g.number(depth), g.pick("==", "!=", "<", "<=", ">", ">="), g.number(depth))
	case 6:
		return fmt.Sprintf("contains([%s, %s], %s)", g.text(0), g.literal(), g.text(depth))
	case 7:
		return fmt.Sprintf("contains([%s, %s], %s)", g.literal(), g.literal(), g.text(depth))
	case 8:
		return fmt.Sprintf("%s(%s, %s)", g.pick("startswith", "endswith", "strcontains"), g.text(depth), g.text(depth))
	default:
		return fmt.Sprintf("matches(%s, %s)", g.pick(`"^a"`, `"(?i)live"`, `""`, `"^.$"`, `"\u212b"`), g.text(depth))
	}
}

func (g generator) event() *buffer.Event {
	word := func() string {
		if g.IntN(8) == 0 {
			return string([]byte{byte(g.IntN(256)), byte(g.IntN(256)), byte(g.IntN(256))})
		}
		return words[g.IntN(len(words))]
	}
	return &buffer.Event{
		ID: word(), Type: word(), Mode: word(), Source: word(), VehicleID: word(), UserID: word(), WebhookID: word(),
		ReceivedAt: time.Unix(g.Int64N(5)-2, g.Int64N(1e9)),
	}
}

// agree fails the test when the closures and HCL differ over an event, or what is known of it beforehand is wrong.
func agree(t *testing.T, e *Expr, source string, ev *buffer.Event) {
	t.Helper()
	reference, ok := e.evaluate(ev)
	if !ok {
		t.Fatalf("not total: %s\nfor %+v", source, ev)
	}
	if got := e.Match(ev); got != reference {
		t.Fatalf("Match = %v, HCL says %v: %s\nfor %+v", got, reference, source, ev)
	}
	if reference && !e.MayMatch(ev.Type, ev.Source) {
		t.Fatalf("MayMatch says never: %s\nfor %+v", source, ev)
	}
}

func TestClosuresAgreeWithHCL(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	rounds := 4000
	if testing.Short() {
		rounds = 500
	}
	fast := 0
	for range rounds {
		source := g.bool(4)
		e := compile(t, source)
		if e.fast != nil {
			fast++
		}
		for range 8 {
			agree(t, e, source, g.event())
		}
	}
	if fast < rounds/4 {
		t.Errorf("only %d of %d expressions had closures: the test compares too little", fast, rounds)
	}
}

func FuzzCompile(f *testing.F) {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	for range 16 {
		f.Add(g.bool(3), "VEHICLE_STATE", "LIVE", int64(0))
	}
	for _, source := range []string{
		`event.type == "VEHICLE_STATE" && event.mode == "LIVE"`, `event.tpye`, `event.*.x`, `[for x in event : x]`,
		`{a=1}["a"]`, `1/0`, `"${"`, `"%{if true}a%{endif}"`, `"%{for x in [1]}a%{endfor}"`, `<<A
x
A
`, `contains([]..., event)`, `a::b()`, `event["type"].x[0]`, `((((true))))`, `!!!true`, `- - 1 == 1`, `1e99999 > 0`, "\xff",
	} {
		f.Add(source, "e\u0301", "\xff", int64(-1))
	}
	f.Fuzz(func(t *testing.T, source, eventType, mode string, seconds int64) {
		if len(source) > 4096 {
			t.Skip("HCL's parser recurses; the loader bounds it")
		}
		expr, diags := hclsyntax.ParseExpression([]byte(source), "handlers.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			return
		}
		e, diags := Compile(expr)
		if (e == nil) != diags.HasErrors() {
			t.Fatalf("Compile gave %v and %v", e, diags)
		}
		for _, d := range diags {
			if d.Subject == nil || d.Summary == "" || d.Detail == "" {
				t.Fatalf("incomplete diagnostic: %+v", d)
			}
		}
		if e == nil {
			return
		}
		ev := &buffer.Event{Type: eventType, Mode: mode, ReceivedAt: time.Unix(seconds, 0)}
		agree(t, e, source, ev)
	})
}
