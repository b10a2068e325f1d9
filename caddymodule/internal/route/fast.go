package route

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// The functions in this file turn a checked expression into closures. Each returns
// false for a part that it does not know, and then HCL evaluates the whole.

func compileBool(expr hclsyntax.Expression, patterns map[string]*regexp.Regexp) (func(*buffer.Event) bool, bool) {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return compileBool(e.Expression, patterns)
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() != cty.Bool {
			return nil, false
		}
		result := e.Val.True()
		return func(*buffer.Event) bool { return result }, true
	case *hclsyntax.UnaryOpExpr:
		if e.Op != hclsyntax.OpLogicalNot {
			return nil, false
		}
		operand, ok := compileBool(e.Val, patterns)
		if !ok {
			return nil, false
		}
		return func(ev *buffer.Event) bool { return !operand(ev) }, true
	case *hclsyntax.BinaryOpExpr:
		return compileBinary(e, patterns)
	case *hclsyntax.FunctionCallExpr:
		return compileCall(e, patterns)
	}
	return nil, false
}

func compileBinary(e *hclsyntax.BinaryOpExpr, patterns map[string]*regexp.Regexp) (func(*buffer.Event) bool, bool) {
	switch e.Op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
		left, lok := compileBool(e.LHS, patterns)
		right, rok := compileBool(e.RHS, patterns)
		if !lok || !rok {
			return nil, false
		}
		if e.Op == hclsyntax.OpLogicalAnd {
			return func(ev *buffer.Event) bool { return left(ev) && right(ev) }, true
		}
		return func(ev *buffer.Event) bool { return left(ev) || right(ev) }, true
	}

	if compare, ok := compileTextEquality(e); ok {
		return compare, true
	}
	left, lok := compileNumber(e.LHS)
	right, rok := compileNumber(e.RHS)
	if !lok || !rok {
		return nil, false
	}
	switch e.Op {
	case hclsyntax.OpEqual:
		return func(ev *buffer.Event) bool { return left(ev) == right(ev) }, true
	case hclsyntax.OpNotEqual:
		return func(ev *buffer.Event) bool { return left(ev) != right(ev) }, true
	case hclsyntax.OpLessThan:
		return func(ev *buffer.Event) bool { return left(ev) < right(ev) }, true
	case hclsyntax.OpLessThanOrEqual:
		return func(ev *buffer.Event) bool { return left(ev) <= right(ev) }, true
	case hclsyntax.OpGreaterThan:
		return func(ev *buffer.Event) bool { return left(ev) > right(ev) }, true
	case hclsyntax.OpGreaterThanOrEqual:
		return func(ev *buffer.Event) bool { return left(ev) >= right(ev) }, true
	}
	return nil, false
}

func compileTextEquality(e *hclsyntax.BinaryOpExpr) (func(*buffer.Event) bool, bool) {
	left, lok := compileText(e.LHS)
	right, rok := compileText(e.RHS)
	if !lok || !rok {
		return nil, false
	}
	switch e.Op {
	case hclsyntax.OpEqual:
		return func(ev *buffer.Event) bool { return left(ev) == right(ev) }, true
	case hclsyntax.OpNotEqual:
		return func(ev *buffer.Event) bool { return left(ev) != right(ev) }, true
	}
	return nil, false
}

func compileText(expr hclsyntax.Expression) (func(*buffer.Event) string, bool) {
	if text, ok := literalText(expr); ok {
		return func(*buffer.Event) string { return text }, true
	}
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return compileText(e.Expression)
	case *hclsyntax.ScopeTraversalExpr:
		f := fieldNamed(fieldOf(e))
		if f == nil || f.text == nil {
			return nil, false
		}
		get := f.text
		return func(ev *buffer.Event) string { return normalize(get(ev)) }, true
	case *hclsyntax.FunctionCallExpr:
		if e.Name != "lower" && e.Name != "upper" {
			return nil, false
		}
		text, ok := compileText(e.Args[0])
		if !ok {
			return nil, false
		}
		if e.Name == "lower" {
			return func(ev *buffer.Event) string { return normalize(strings.ToLower(text(ev))) }, true
		}
		return func(ev *buffer.Event) string { return normalize(strings.ToUpper(text(ev))) }, true
	}
	return nil, false
}

func compileNumber(expr hclsyntax.Expression) (func(*buffer.Event) int64, bool) {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return compileNumber(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() != cty.Number {
			return nil, false
		}
		number, accuracy := e.Val.AsBigFloat().Int64()
		if accuracy != big.Exact {
			return nil, false
		}
		return func(*buffer.Event) int64 { return number }, true
	case *hclsyntax.ScopeTraversalExpr:
		f := fieldNamed(fieldOf(e))
		if f == nil || f.number == nil {
			return nil, false
		}
		return f.number, true
	case *hclsyntax.FunctionCallExpr:
		return compileNumberCall(e)
	}
	return nil, false
}

func compileNumberCall(e *hclsyntax.FunctionCallExpr) (func(*buffer.Event) int64, bool) {
	switch e.Name {
	case "length":
		text, ok := compileText(e.Args[0])
		if !ok {
			return nil, false
		}
		return func(ev *buffer.Event) int64 { return runes(text(ev)) }, true
	case "unixtime":
		text, _ := literalText(e.Args[0])
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, false
		}
		seconds := t.Unix()
		return func(*buffer.Event) int64 { return seconds }, true
	}
	return nil, false
}

func compileCall(e *hclsyntax.FunctionCallExpr, patterns map[string]*regexp.Regexp) (func(*buffer.Event) bool, bool) {
	switch e.Name {
	case "contains":
		return compileContains(e)
	case "matches":
		pattern, _ := literalText(e.Args[0])
		text, ok := compileText(e.Args[1])
		if !ok || patterns[pattern] == nil {
			return nil, false
		}
		matcher := patterns[pattern]
		return func(ev *buffer.Event) bool { return matcher.MatchString(text(ev)) }, true
	}

	var holds func(text, other string) bool
	switch e.Name {
	case "strcontains":
		holds = strings.Contains
	case "startswith":
		holds = strings.HasPrefix
	case "endswith":
		holds = strings.HasSuffix
	default:
		return nil, false
	}
	text, tok := compileText(e.Args[0])
	other, ook := compileText(e.Args[1])
	if !tok || !ook {
		return nil, false
	}
	return func(ev *buffer.Event) bool { return holds(text(ev), other(ev)) }, true
}

func compileContains(e *hclsyntax.FunctionCallExpr) (func(*buffer.Event) bool, bool) {
	elements := listElements(e.Args[0])
	list := make([]string, len(elements))
	for i, element := range elements {
		text, ok := literalText(element)
		if !ok {
			return nil, false
		}
		list[i] = text
	}
	text, ok := compileText(e.Args[1])
	if !ok {
		return nil, false
	}
	return func(ev *buffer.Event) bool { return slices.Contains(list, text(ev)) }, true
}
