package route

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// checker finds the kind of every part of an expression, and all mistakes in it.
// It names what is allowed, not what is forbidden: a construct of HCL that it does
// not know is refused, because only the known ones cannot fail at run time. It
// looks at both sides of && and ||, which HCL's own evaluation does not.
type checker struct {
	diags    hcl.Diagnostics
	patterns map[string]*regexp.Regexp
	sources  []literalSource
}

func (c *checker) errorf(at hcl.Range, summary, detail string, args ...any) kind {
	c.diags = append(c.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at,
	})
	return kindUnknown
}

func (c *checker) check(expr hclsyntax.Expression) kind {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.check(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		return c.literal(e)
	case *hclsyntax.TemplateExpr:
		return c.template(e)
	case *hclsyntax.TemplateWrapExpr:
		return c.check(e.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		return c.traversal(e.Traversal, e.SrcRange)
	case *hclsyntax.BinaryOpExpr:
		return c.binary(e)
	case *hclsyntax.UnaryOpExpr:
		return c.unary(e)
	case *hclsyntax.ConditionalExpr:
		return c.conditional(e)
	case *hclsyntax.TupleConsExpr:
		return c.list(e)
	case *hclsyntax.FunctionCallExpr:
		return c.call(e)
	default:
		return c.refuse(expr)
	}
}

func (c *checker) refuse(expr hclsyntax.Expression) kind {
	what := "This construct"
	switch expr.(type) {
	case *hclsyntax.ForExpr, *hclsyntax.SplatExpr, *hclsyntax.TemplateJoinExpr:
		what = "A loop"
	case *hclsyntax.ObjectConsExpr:
		what = "An object"
	case *hclsyntax.IndexExpr, *hclsyntax.RelativeTraversalExpr:
		what = "An index"
	case *hclsyntax.ExprSyntaxError:
		return c.errorf(expr.Range(), "Unreadable expression", "This could not be read as an expression.")
	}
	return c.errorf(expr.Range(), "Not possible in a when expression",
		"%s cannot be used here: a when expression is made of comparisons, &&, ||, !, ?: and the functions %s.",
		what, strings.Join(builtinNames(), ", "))
}

func (c *checker) literal(e *hclsyntax.LiteralValueExpr) kind {
	if e.Val.IsNull() {
		return c.errorf(e.SrcRange, "Null in a when expression",
			`No field of event is ever null: what an event does not say is the empty text. Compare with "".`)
	}
	switch e.Val.Type() {
	case cty.String:
		return kindText
	case cty.Number:
		// A number far beyond these could fill the memory when it is put into a text.
		if f := e.Val.AsBigFloat(); f.IsInf() || f.MantExp(nil) > 1024 || f.MantExp(nil) < -1024 {
			return c.errorf(e.SrcRange, "Number out of range", "No number of an event is that large or that small.")
		}
		return kindNumber
	case cty.Bool:
		return kindBool
	default:
		return c.refuse(e)
	}
}

func (c *checker) template(e *hclsyntax.TemplateExpr) kind {
	for _, part := range e.Parts {
		if k := c.check(part); k == kindTexts {
			c.errorf(part.Range(), "List inside a text", "A list cannot be put into a text.")
		}
	}
	return kindText
}

func (c *checker) traversal(t hcl.Traversal, at hcl.Range) kind {
	root := t.RootName()
	if root != "event" {
		return c.unknownRoot(root, t, at)
	}
	if len(t) == 1 {
		return c.errorf(at, "Event without a field",
			"Name the field of event that is meant: %s.", strings.Join(fieldNames(), ", "))
	}

	name, ok := stepName(t[1])
	if !ok {
		return c.errorf(t[1].SourceRange(), "Not possible in a when expression",
			"A field of event is named, as in event.type.")
	}
	f := fieldNamed(name)
	if f == nil {
		hint := text.DidYouMean(name, fieldNames())
		if hint == "" {
			hint = " " + fieldHint(name)
		}
		return c.errorf(t[1].SourceRange(), "Unknown field of event",
			"An event has no field named %q.%s", name, hint)
	}
	if len(t) > 2 {
		return c.errorf(t[2].SourceRange(), "Unknown field of event",
			"event.%s is %s and has nothing inside. A when expression sees the envelope only; what stands in the body is for the handler to look at.",
			name, f.kind())
	}
	return f.kind()
}

func fieldHint(name string) string {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
	case "eventid":
		return "It is event.id."
	case "eventtype":
		return "It is event.type."
	case "vehicleid":
		return "It is event.vehicle."
	case "userid":
		return "It is event.user."
	case "webhookid":
		return "It is event.webhook."
	case "time", "timestamp", "deliveredat", "receivedat":
		return "The time of arrival is event.received_at, in Unix seconds."
	case "data", "body", "signals", "triggers", "errors", "meta":
		return "A when expression sees the envelope only; what stands in the body is for the handler to look at."
	}
	return "The fields are " + strings.Join(fieldNames(), ", ") + "."
}

func stepName(step hcl.Traverser) (string, bool) {
	switch s := step.(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

func (c *checker) unknownRoot(root string, t hcl.Traversal, at hcl.Range) kind {
	if len(t) == 1 && fieldNamed(root) != nil {
		return c.errorf(at, "Unknown variable", "There is no variable named %q. Did you mean event.%s?", root, root)
	}
	if hint := text.DidYouMean(root, []string{"event"}); hint != "" {
		return c.errorf(t[0].SourceRange(), "Unknown variable", "There is no variable named %q.%s", root, hint)
	}
	if root == "env" {
		return c.errorf(at, "Unknown variable",
			"The environment cannot be asked in a when expression; env can be used in env and config.")
	}
	if len(t) == 1 {
		return c.errorf(at, "Unknown variable",
			`There is no variable named %q; the only one is event. A text stands in quotes: "%s".`, root, root)
	}
	return c.errorf(at, "Unknown variable", "There is no variable named %q; the only one is event.", root)
}

func (c *checker) conditional(e *hclsyntax.ConditionalExpr) kind {
	if k := c.check(e.Condition); k != kindBool && k != kindUnknown {
		c.errorf(e.Condition.Range(), "Wrong type", "The condition before ? is %s; it must be true or false.", k)
	}
	yes, no := c.check(e.TrueResult), c.check(e.FalseResult)
	if yes == kindUnknown || no == kindUnknown {
		return kindUnknown
	}
	if yes != no {
		return c.errorf(e.SrcRange, "Wrong type", "The two results of ?: must be of one type; these are %s and %s.", yes, no)
	}
	if yes == kindTexts {
		return c.errorf(e.SrcRange, "Wrong type", "The results of ?: cannot be lists.")
	}
	return yes
}

func (c *checker) list(e *hclsyntax.TupleConsExpr) kind {
	result := kindTexts
	for _, element := range e.Exprs {
		k := c.check(element)
		if k == kindUnknown {
			result = kindUnknown
			continue
		}
		if k != kindText {
			result = c.errorf(element.Range(), "Wrong type", "A list holds texts in quotes; this is %s.", k)
		}
	}
	return result
}
