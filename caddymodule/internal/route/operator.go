package route

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var symbols = map[*hclsyntax.Operation]string{
	hclsyntax.OpLogicalAnd:         "&&",
	hclsyntax.OpLogicalOr:          "||",
	hclsyntax.OpLogicalNot:         "!",
	hclsyntax.OpEqual:              "==",
	hclsyntax.OpNotEqual:           "!=",
	hclsyntax.OpGreaterThan:        ">",
	hclsyntax.OpGreaterThanOrEqual: ">=",
	hclsyntax.OpLessThan:           "<",
	hclsyntax.OpLessThanOrEqual:    "<=",
	hclsyntax.OpAdd:                "+",
	hclsyntax.OpSubtract:           "-",
	hclsyntax.OpMultiply:           "*",
	hclsyntax.OpDivide:             "/",
	hclsyntax.OpModulo:             "%",
	hclsyntax.OpNegate:             "-",
}

func (c *checker) binary(e *hclsyntax.BinaryOpExpr) kind {
	left, right := c.check(e.LHS), c.check(e.RHS)
	switch e.Op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
		c.operand(e.Op, e.LHS, left, kindBool)
		c.operand(e.Op, e.RHS, right, kindBool)
		return kindBool
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		c.equality(e, left, right)
		return kindBool
	case hclsyntax.OpGreaterThan, hclsyntax.OpGreaterThanOrEqual, hclsyntax.OpLessThan, hclsyntax.OpLessThanOrEqual:
		c.operand(e.Op, e.LHS, left, kindNumber)
		c.operand(e.Op, e.RHS, right, kindNumber)
		return kindBool
	case hclsyntax.OpAdd:
		if left == kindText || right == kindText {
			return c.errorf(e.SrcRange, "Not possible in a when expression",
				`Texts are not joined with +, but as in "${event.source}/${event.mode}".`)
		}
	}
	// Division by zero and arithmetic with infinities are failures at run time.
	return c.errorf(e.SrcRange, "Not possible in a when expression",
		"A when expression does not calculate: the operator %s can fail while events come in.", symbols[e.Op])
}

func (c *checker) unary(e *hclsyntax.UnaryOpExpr) kind {
	want := kindBool
	if e.Op == hclsyntax.OpNegate {
		want = kindNumber
	}
	c.operand(e.Op, e.Val, c.check(e.Val), want)
	return want
}

func (c *checker) operand(op *hclsyntax.Operation, expr hclsyntax.Expression, got, want kind) {
	if got == want || got == kindUnknown {
		return
	}
	hint := ""
	if text, ok := literalText(expr); ok && want == kindBool {
		hint = ` Each side needs a comparison of its own, as in event.type == "` + text + `".`
	}
	if want == kindNumber && got == kindText {
		hint = " Texts have no order here."
	}
	c.errorf(expr.Range(), "Wrong type", "The operator %s wants %s; this is %s.%s", symbols[op], want, got, hint)
}

// equality refuses comparisons of different types, which HCL answers with false
// and which are therefore always mistakes.
func (c *checker) equality(e *hclsyntax.BinaryOpExpr, left, right kind) {
	if left == kindUnknown || right == kindUnknown {
		return
	}
	if left == kindTexts || right == kindTexts {
		c.errorf(e.SrcRange, "Wrong type", "To look for a text in a list use contains(list, text).")
		return
	}
	if left != right {
		c.errorf(e.SrcRange, "Wrong type",
			"This compares %s with %s, so its result is always the same.", left, right)
		return
	}
	c.warnUnlikely(e.LHS, e.RHS)
	c.warnUnlikely(e.RHS, e.LHS)
}

// literalText returns the text of a literal such as "LIVE", without placeholders.
func literalText(expr hclsyntax.Expression) (string, bool) {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return literalText(e.Expression)
	case *hclsyntax.TemplateExpr:
		if !e.IsStringLiteral() {
			return "", len(e.Parts) == 0
		}
		value, _ := e.Value(nil)
		return value.AsString(), true
	}
	return "", false
}
