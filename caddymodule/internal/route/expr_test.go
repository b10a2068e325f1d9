package route

import (
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func parse(t testing.TB, source string) hcl.Expression {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(source), "handlers.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("parsing %q: %v", source, diags)
	}
	return expr
}

func compile(t testing.TB, source string) *Expr {
	t.Helper()
	e, diags := Compile(parse(t, source))
	if diags.HasErrors() {
		t.Fatalf("Compile(%q): %v", source, diags)
	}
	return e
}

var state = &buffer.Event{
	Source: "production", ID: "0b6b2a2e", Type: "VEHICLE_STATE", Mode: "LIVE", VehicleID: "3f8e1d7c",
	WebhookID: "d3b7c1a0", ReceivedAt: time.Date(2026, 1, 31, 12, 0, 0, 999, time.UTC),
}

func TestMatch(t *testing.T) {
	tests := []struct {
		source string
		want   bool
		slow   bool // HCL evaluates it
	}{
		{source: `true`, want: true},
		{source: `!true`, want: false},
		{source: `event.type == "VEHICLE_STATE" && event.mode == "LIVE"`, want: true},
		{source: `event.type == "VEHICLE_STATE" && event.mode == "TEST"`, want: false},
		{source: `event.type != "VEHICLE_STATE" || event.source == "production"`, want: true},
		{source: `"LIVE" == event.mode`, want: true},
		{source: `event["mode"] == "LIVE"`, want: true},
		{source: `!(event.mode == "LIVE")`, want: false},
		{source: `event.user == ""`, want: true},
		{source: `event.user != event.vehicle`, want: true},
		{source: `contains(["VEHICLE_ERROR", "VEHICLE_STATE"], event.type)`, want: true},
		{source: `contains([], event.type)`, want: false},
		{source: `contains([event.vehicle], "3f8e1d7c")`, want: true, slow: true},
		{source: `startswith(event.vehicle, "3f") && endswith(event.vehicle, "7c")`, want: true},
		{source: `strcontains(event.vehicle, "e1d")`, want: true},
		{source: `matches("^[0-9a-f]{8}$", event.vehicle)`, want: true},
		{source: `matches("(?i)^live$", lower(event.mode))`, want: true},
		{source: `matches("^\\d", event.vehicle)`, want: true},
		{source: `lower(event.mode) == "live" && upper(event.source) == "PRODUCTION"`, want: true},
		{source: `length(event.vehicle) == 8`, want: true},
		{source: `event.received_at >= unixtime("2026-01-31T12:00:00Z")`, want: true},
		{source: `event.received_at > unixtime("2026-01-31T12:00:00Z")`, want: false},
		{source: `event.received_at < unixtime("2026-01-31T13:00:00+02:00")`, want: false},
		{source: `event.received_at > -5`, want: true, slow: true},
		{source: `length(event.vehicle) > 7.5`, want: true, slow: true},
		{source: `event.mode == "LIVE" ? event.source == "production" : true`, want: true, slow: true},
		{source: `"${event.source}/${event.mode}" == "production/LIVE"`, want: true, slow: true},
		{source: `"n${length(event.vehicle)}" == "n8"`, want: true, slow: true},
		{source: `"%{ if event.user == "" }none%{ else }some%{ endif }" == "none"`, want: true, slow: true},
		{source: `"${event.mode}" == "LIVE"`, want: true, slow: true},
		{source: `coalesce(event.user, event.vehicle, "x") == "3f8e1d7c"`, want: true, slow: true},
		{source: `coalesce(event.user) == ""`, want: true, slow: true},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			e := compile(t, tt.source)
			if got := e.Match(state); got != tt.want {
				t.Errorf("Match = %v, want %v", got, tt.want)
			}
			if slow := e.fast == nil; slow != tt.slow {
				t.Errorf("evaluated by HCL: %v, want %v", slow, tt.slow)
			}
			if e.Failures() != 0 {
				t.Errorf("Failures = %d", e.Failures())
			}
		})
	}
}

// Version 2.0 writes modes in small letters.
func TestModesAreInCapitals(t *testing.T) {
	for _, source := range []string{`event.mode == "LIVE"`, `event.mode == "LIVE" ? true : false`} {
		if !compile(t, source).Match(&buffer.Event{Mode: "live"}) {
			t.Errorf("%s does not match", source)
		}
	}
}

func TestNilExprWantsAll(t *testing.T) {
	var e *Expr
	if !e.Match(state) || e.Failures() != 0 {
		t.Error("a nil Expr must want every event")
	}
}

func TestMatchFromManyGoroutines(t *testing.T) {
	for _, source := range []string{
		`matches("^3f", event.vehicle) && lower(event.mode) == "live"`,
		`matches("^3f", event.vehicle) ? coalesce(event.user, event.mode) == "LIVE" : false`,
	} {
		e := compile(t, source)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					if !e.Match(state) {
						t.Error("no match")
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestBuiltinNamesAreAll(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(builtins)), builtinNames()); diff != "" {
		t.Errorf("names (-functions +listed):\n%s", diff)
	}
}

// The reference page names every field, function and operator.
func TestReferenceIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../docs/handlers-file.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range fieldNames() {
		if !strings.Contains(string(page), "| `event."+name+"` |") {
			t.Errorf("the field %s is missing", name)
		}
	}
	for name, b := range builtins {
		if !strings.Contains(string(page), "`"+usage(name, b)+"`") {
			t.Errorf("the function %s is missing", usage(name, b))
		}
	}
}

// An evaluation that gives no answer cannot be written down, so this one is built
// around the check.
func TestMatchDeliversWhatItCannotJudge(t *testing.T) {
	for _, source := range []string{`event.nothing == "x"`, `event.type`, `event.type.x`, `null`} {
		e := &Expr{source: parse(t, source).(hclsyntax.Expression)}
		if !e.Match(state) {
			t.Errorf("%s: the event was not delivered", source)
		}
		if e.Failures() != 1 {
			t.Errorf("%s: Failures = %d, want 1", source, e.Failures())
		}
	}
}

func TestCompileMistakes(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"field misspelt", `event.tpye == "X"`, `Did you mean "type"?`},
		{"field misspelt behind a false side", `false && event.vehicel == "X"`, `Did you mean "vehicle"?`},
		{"field misspelt behind a true side", `true || event.vehicel == "X"`, `Did you mean "vehicle"?`},
		{"function misspelt behind a false side", `event.mode == "A" && containz(["a"], event.mode)`, `Did you mean "contains"?`},
		{"wire name of a field", `event.eventType == "X"`, `It is event.type.`},
		{"body", `event.data == "X"`, `sees the envelope only`},
		{"inside a field", `event.vehicle.make == "TESLA"`, `event.vehicle is a text and has nothing inside`},
		{"root misspelt", `evnt.type == "X"`, `Did you mean "event"?`},
		{"field without event", `type == "X"`, `Did you mean event.type?`},
		{"quotes forgotten", `event.type == VEHICLE_STATE`, `A text stands in quotes: "VEHICLE_STATE"`},
		{"environment", `env.STAGE == "X"`, `cannot be asked in a when expression`},
		{"event alone", `event == "X"`, `Name the field of event`},
		{"index by number", `event[0] == "X"`, `A field of event is named`},
		{"text as result", `event.type`, `must come to true or false`},
		{"number as result", `1`, `this is a number`},
		{"list as result", `["a"]`, `this is a list of texts`},
		{"huge number", `"x${1e999999999}" == ""`, `that large or that small`},
		{"tiny number", `length(event.id) > 1e-9999`, `that large or that small`},
		{"null", `event.user == null`, `No field of event is ever null`},
		{"types differ", `event.type == 5`, `compares a text with a number`},
		{"text beside ||", `event.vehicle == "A" || "B"`, `as in event.type == "B"`},
		{"not of a text", `!event.type`, `The operator ! wants true or false`},
		{"order of texts", `event.type < 5`, `Texts have no order here`},
		{"sum", `event.received_at + 1 > 0`, `does not calculate: the operator +`},
		{"division", `event.received_at / 0 > 1`, `the operator /`},
		{"texts joined", `event.type + "x" == "y"`, `Texts are not joined with +`},
		{"list compared", `["a"] == ["a"]`, `use contains(list, text)`},
		{"list in a text", `"x${["a"]}" == "a"`, `A list cannot be put into a text`},
		{"mixed list", `contains(["a", 1], event.user)`, `A list holds texts in quotes`},
		{"index", `["a"][0] == "a"`, `An index cannot be used here`},
		{"index at run time", `["a"][length(event.id)] == "a"`, `An index cannot be used here`},
		{"splat", `event.*.id == "a"`, `A loop cannot be used here`},
		{"loop", `contains([for x in ["a"] : x], "a")`, `A loop cannot be used here`},
		{"object", `{ a = 1 } == 1`, `An object cannot be used here`},
		{"condition", `event.type ? true : false`, `The condition before ? is a text`},
		{"results differ", `true ? "a" : 1`, `must be of one type`},
		{"missing argument", `contains(["a"])`, `contains(list, text): the argument "text" is missing`},
		{"no argument", `coalesce() == ""`, `the argument "text" is missing`},
		{"argument too many", `lower("a", "b") == "a"`, `this argument is one too many`},
		{"argument's type", `lower(1) == "a"`, `the argument "text" wants a text; this is a number`},
		{"contains on a text", `contains(event.type, "STATE")`, `use strcontains(text, part)`},
		{"arguments expanded", `contains(["a"]...)`, `without three dots`},
		{"function of other systems", `regex("a", event.type) == "a"`, `use matches("pattern", text)`},
		{"the clock", `event.received_at > now()`, `cannot ask the clock`},
		{"bad pattern", `matches("(", event.type)`, `missing closing )`},
		{"pattern not written out", `matches(event.source, event.type)`, `is written out in quotes`},
		{"bad time", `event.received_at > unixtime("31.1.2026")`, `(RFC 3339)`},
		{"tryfunc", `try(event.type, "x") == "x"`, `nothing to guard`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, diags := Compile(parse(t, tt.source))
			if e != nil || !diags.HasErrors() {
				t.Fatalf("Compile(%q) found no mistake", tt.source)
			}
			if len(diags) != 1 {
				t.Errorf("%d diagnostics for one mistake: %v", len(diags), diags.Errs())
			}
			d := diags[0]
			if !strings.Contains(d.Detail, tt.want) {
				t.Errorf("detail is %q, want it to contain %q", d.Detail, tt.want)
			}
			if d.Subject == nil || d.Subject.Filename != "handlers.hcl" || d.Subject.Empty() {
				t.Errorf("no useful source range: %v", d.Subject)
			}
			if d.EvalContext != nil || d.Expression != nil {
				t.Error("the diagnostic carries values")
			}
		})
	}
}

func TestCompileReportsAllMistakes(t *testing.T) {
	_, diags := Compile(parse(t, `event.tpye == "A" && evnt.mode == "B" || lowr(event.user) == 5`))
	if len(diags) != 3 {
		t.Errorf("%d diagnostics, want 3: %v", len(diags), diags.Errs())
	}
}

func TestCompileWarns(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"type nearly right", `event.type == "VEHICLE_STAT"`, `Did you mean "VEHICLE_STATE"?`},
		{"type in lower case", `"vehicle_error" != event.type`, `Did you mean "VEHICLE_ERROR"?`},
		{"type in a list", `contains(["VEHICLE_STATE", "VEHICLE_ERORR"], event.type)`, `Did you mean "VEHICLE_ERROR"?`},
		{"mode in lower case", `event.mode == "live"`, `Did you mean "LIVE"?`},
		{"verify", `event.type == "VERIFY"`, `answers VERIFY itself`},
		{"a type to come", `event.type == "VEHICLE_DISCONNECTED"`, `events of that type may never come`},
		{"empty type", `event.type == ""`, ``},
		{"another field", `event.source == "live"`, ``},
		{"right", `event.mode == "LIVE" && event.type == "VEHICLE_STATE"`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, diags := Compile(parse(t, tt.source))
			if e == nil {
				t.Fatalf("Compile(%q): %v", tt.source, diags)
			}
			if tt.want == "" {
				if len(diags) != 0 {
					t.Errorf("warned: %v", diags)
				}
				return
			}
			if len(diags) != 1 || diags[0].Severity != hcl.DiagWarning || !strings.Contains(diags[0].Detail, tt.want) {
				t.Errorf("got %v, want one warning with %q", diags, tt.want)
			}
		})
	}
}

// A when that waits for errors is told from one that fits nothing.
func TestAwaits(t *testing.T) {
	for source, want := range map[string]bool{
		`event.type == "VEHICLE_ERROR"`:                                true,
		`event.type == "VEHICLE_ERROR" && event.source == "default"`:   true,
		`event.source == "prod"`:                                       false,
		`event.type == "VEHICLE_ERROR" && event.source == "prod"`:      false,
		`event.type == "SIGNAL_UPDATED"`:                               false,
		`event.vehicle == "3f8e1d7c"`:                                  false,
		`event.mode == "TEST" || lower(event.type) == "vehicle_error"`: true,
	} {
		expr, diags := hclsyntax.ParseExpression([]byte(source), "x.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		e, diags := Compile(expr)
		if e == nil {
			t.Fatal(diags)
		}
		if got := e.Awaits(&buffer.Event{Type: "VEHICLE_STATE", Source: "default", Mode: "LIVE"}); got != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
}
