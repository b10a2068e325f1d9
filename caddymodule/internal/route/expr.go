// Package route decides which events a handler wants: the when expressions of the
// handlers file.
//
// An expression is written in HCL's syntax over one variable, event, whose fields
// are those of the envelope:
//
//	event.id           text    Smartcar's eventId
//	event.type         text    "VEHICLE_STATE", "VEHICLE_ERROR", ...
//	event.mode         text    "LIVE", "TEST", ..., always in capitals
//	event.source       text    name of the receiver that took the event
//	event.vehicle      text    vehicle id
//	event.user         text    user id
//	event.webhook      text    webhook id
//	event.received_at  number  when the event came in, Unix time in whole seconds
//
// A field that the event does not have is the empty text. There are comparisons,
// &&, ||, !, ?:, texts with placeholders, and the functions contains, strcontains,
// startswith, endswith, matches, lower, upper, length, coalesce and unixtime.
//
// Expressions are pure (the same event always has the same answer) and total (they
// cannot fail): everything that could fail is refused by Compile.
package route

import (
	"regexp"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Expr is a checked when expression. It is safe for concurrent use.
type Expr struct {
	source    hclsyntax.Expression
	functions map[string]function.Function
	// fast is the expression as Go closures, nil where it has parts that only HCL
	// evaluates. HCL is the reference: both give the same answer for every event.
	fast     func(*buffer.Event) bool
	failures atomic.Uint64
	sources  []literalSource
}

// Compile checks the expression. Where the diagnostics have an error, the Expr is
// nil; an Expr may come with warnings. Each diagnostic has a source range,
// and none has values.
func Compile(expr hcl.Expression) (*Expr, hcl.Diagnostics) {
	source, ok := expr.(hclsyntax.Expression)
	if !ok {
		at := expr.Range()
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Unreadable expression",
			Detail: "A when expression must be written in HCL's own syntax, not in JSON.", Subject: &at,
		}}
	}

	c := &checker{patterns: make(map[string]*regexp.Regexp)}
	k := c.check(source)
	if k != kindBool && k != kindUnknown {
		c.errorf(source.Range(), "Wrong type",
			`A when expression must come to true or false, as event.type == "VEHICLE_STATE" does; this is %s.`, k)
	}
	if c.diags.HasErrors() {
		return nil, c.diags
	}

	e := &Expr{source: source, functions: functions(c.patterns), sources: c.sources}
	if compiled, ok := compileBool(source, c.patterns); ok {
		e.fast = compiled
	}
	if never(source, e) {
		c.errorf(source.Range(), "A handler that wants nothing",
			"This is false for every event, so the handler gets none, and none waits for it: what comes meanwhile is passed over for good."+
				" To stop a handler for a while: caddy smartcar pause.")
		c.diags[len(c.diags)-1].Severity = hcl.DiagWarning
	}
	for _, sample := range samples() {
		if _, ok := e.evaluate(sample); ok {
			continue
		}
		// The checks above leave nothing that can fail; this guards against a change in
		// the HCL library.
		c.errorf(source.Range(), "Not possible in a when expression",
			"This expression has no answer for every event.")
		return nil, c.diags
	}
	return e, c.diags
}

// never reports whether an expression is false whatever the event, as far as its form shows.
func never(expr hclsyntax.Expression, e *Expr) bool {
	switch x := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return never(x.Expression, e)
	case *hclsyntax.BinaryOpExpr:
		if x.Op == hclsyntax.OpLogicalAnd && (never(x.LHS, e) || never(x.RHS, e)) {
			return true
		}
	}
	if len(expr.Variables()) > 0 {
		return false
	}
	constant := &Expr{source: expr, functions: e.functions}
	wanted, ok := constant.evaluate(samples()[0])
	return ok && !wanted
}

// Match reports whether the handler wants the event. A nil Expr wants all. Should an
// evaluation ever go wrong, the answer is true, because an event too many can be
// ignored and a lost one cannot be had again; Failures counts these.
func (e *Expr) Match(ev *buffer.Event) bool {
	if e == nil {
		return true
	}
	if e.fast != nil {
		return e.fast(ev)
	}
	wanted, ok := e.evaluate(ev)
	if !ok {
		e.failures.Add(1)
		return true
	}
	return wanted
}

// Awaits reports whether the handler, which does not want this event, wants one like it of another type that Smartcar
// sends: errors are rarer than states.
func (e *Expr) Awaits(ev *buffer.Event) bool {
	for _, name := range currentTypes {
		other := *ev
		if other.Type = name; name != ev.Type && e.Match(&other) {
			return true
		}
	}
	return false
}

// Failures counts the events that were delivered because the expression gave
// neither true nor false. It stays 0 unless there is a defect in this program.
func (e *Expr) Failures() uint64 {
	if e == nil {
		return 0
	}
	return e.failures.Load()
}

// Range is where the expression stands.
func (e *Expr) Range() hcl.Range { return e.source.Range() }

// evaluate asks HCL. It is the reference for fast.
func (e *Expr) evaluate(ev *buffer.Event) (wanted, ok bool) {
	defer func() {
		if recover() != nil {
			wanted, ok = false, false
		}
	}()
	value, diags := e.source.Value(&hcl.EvalContext{
		Variables: map[string]cty.Value{"event": eventValue(ev)},
		Functions: e.functions,
	})
	if diags.HasErrors() || value.Type() != cty.Bool || !value.IsKnown() || value.IsNull() {
		return false, false
	}
	return value.True(), true
}
