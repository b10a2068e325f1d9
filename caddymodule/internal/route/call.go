package route

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func (c *checker) call(e *hclsyntax.FunctionCallExpr) kind {
	kinds := make([]kind, len(e.Args))
	for i, arg := range e.Args {
		kinds[i] = c.check(arg)
	}

	b, ok := builtins[e.Name]
	if !ok {
		hint := alternatives[e.Name]
		if hint == "" {
			hint = text.DidYouMean(e.Name, builtinNames())
		}
		return c.errorf(e.NameRange, "Unknown function", "There is no function named %q.%s", e.Name, hint)
	}
	if e.ExpandFinal {
		c.errorf(e.Range(), "Not possible in a when expression", "Arguments are written one by one, without three dots.")
		return b.result
	}
	if len(e.Args) < len(b.params) {
		c.errorf(e.Range(), "Missing argument", "%s: the argument %q is missing.", usage(e.Name, b), b.params[len(e.Args)].name)
		return b.result
	}
	if len(e.Args) > len(b.params) && !b.variadic {
		c.errorf(e.Args[len(b.params)].Range(), "Too many arguments", "%s: this argument is one too many.", usage(e.Name, b))
		return b.result
	}
	for i, arg := range e.Args {
		c.argument(e, b, b.params[min(i, len(b.params)-1)], arg, kinds[i])
	}
	if e.Name == "contains" {
		c.warnUnlikely(e.Args[1], listElements(e.Args[0])...)
	}
	return b.result
}

func (c *checker) argument(e *hclsyntax.FunctionCallExpr, b builtin, p param, arg hclsyntax.Expression, got kind) {
	if got == kindUnknown {
		return
	}
	if got != p.kind {
		hint := ""
		if e.Name == "contains" && p.kind == kindTexts && got == kindText {
			hint = " To look for a part of a text use strcontains(text, part)."
		}
		c.errorf(arg.Range(), "Wrong type", "%s: the argument %q wants %s; this is %s.%s",
			usage(e.Name, b), p.name, p.kind, got, hint)
		return
	}
	if p.literal == nil {
		return
	}
	text, ok := literalText(arg)
	if !ok {
		c.errorf(arg.Range(), "Literal wanted",
			"%s: the argument %q is written out in quotes, so that it can be checked when the file is loaded.", usage(e.Name, b), p.name)
		return
	}
	if err := p.literal(text); err != nil {
		c.errorf(arg.Range(), "Wrong argument", "%s: %s.", usage(e.Name, b), err)
		return
	}
	if e.Name == "matches" {
		c.patterns[text] = regexp.MustCompile(text)
	}
}

func usage(name string, b builtin) string {
	s := name + "("
	for i, p := range b.params {
		if i > 0 {
			s += ", "
		}
		s += p.name
	}
	if b.variadic {
		s += ", ..."
	}
	return s + ")"
}

func listElements(expr hclsyntax.Expression) []hclsyntax.Expression {
	if paren, ok := expr.(*hclsyntax.ParenthesesExpr); ok {
		return listElements(paren.Expression)
	}
	if list, ok := expr.(*hclsyntax.TupleConsExpr); ok {
		return list.Exprs
	}
	return nil
}

// What Smartcar sends. The sets are open, so another value is no error; but one that
// is nearly one of these, or a type that is none of them, most likely is a mistake.
var (
	currentTypes = []string{"VEHICLE_STATE", "VEHICLE_ERROR"}
	legacyTypes  = []string{"schedule", "scheduled", "eventBased", "dynamic"} // of version 2.0
	knownModes   = []string{"LIVE", "TEST", "SIMULATED"}
)

// warnUnlikely warns of texts that event.type or event.mode is compared with and
// that Smartcar does not send. Which sources there are is known later.
func (c *checker) warnUnlikely(subject hclsyntax.Expression, values ...hclsyntax.Expression) {
	for _, value := range values {
		text, ok := literalText(value)
		if !ok || text == "" {
			continue
		}
		switch fieldOf(subject) {
		case "source":
			c.sources = append(c.sources, literalSource{text: text, at: value.Range()})
		case "type":
			if text == "VERIFY" {
				c.warnf(value.Range(), "Event type that no handler sees",
					"The receiver answers VERIFY itself; it never becomes an event for a handler.")
				continue
			}
			c.warnType(value.Range(), text)
		case "mode":
			c.warnNear(value.Range(), "mode", text, knownModes)
		}
	}
}

func (c *checker) warnType(at hcl.Range, given string) {
	switch {
	case text.Nearest(given, currentTypes) != "":
		c.warnNear(at, "event type", given, currentTypes)
	case !slices.Contains(legacyTypes, given):
		c.warnf(at, "Unknown event type",
			"Smartcar's event types that are known are %s; this says %q, and events of that type may never come.",
			quoted(currentTypes), given)
	}
}

func (c *checker) warnNear(at hcl.Range, what, given string, known []string) {
	near := text.Nearest(given, known)
	if near == "" || near == given {
		return
	}
	c.warnf(at, "Unusual "+what, "Smartcar's %ss that are known are %s; this says %q. Did you mean %q?", what, quoted(known), given, near)
}

func (c *checker) warnf(at hcl.Range, summary, detail string, args ...any) {
	c.diags = append(c.diags, &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at,
	})
}

func quoted(words []string) string {
	s := ""
	for i, word := range words {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%q", word)
	}
	return s
}

// fieldOf returns the name of the field when expr is just that, such as event.type.
func fieldOf(expr hclsyntax.Expression) string {
	if paren, ok := expr.(*hclsyntax.ParenthesesExpr); ok {
		return fieldOf(paren.Expression)
	}
	e, ok := expr.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(e.Traversal) != 2 || e.Traversal.RootName() != "event" {
		return ""
	}
	name, _ := stepName(e.Traversal[1])
	return name
}
