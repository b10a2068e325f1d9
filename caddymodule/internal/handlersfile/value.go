package handlersfile

import (
	"math/big"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// The methods in this file read an attribute's value. They return false, with a
// diagnostic, where it is wrong, and false without one where attr is nil.

// value evaluates an attribute that may not refer to anything.
func (l *loader) value(attr *hcl.Attribute, want cty.Type) (cty.Value, bool) {
	at := attr.Expr.Range()
	if references := attr.Expr.Variables(); len(references) > 0 {
		l.nameForValue(attr, references[0])
		return cty.NilVal, false
	}
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		l.diags = append(l.diags, diags...)
		return cty.NilVal, false
	}
	if value.IsNull() {
		l.errorf(at, "Missing value", "%s has no value. Leave the line out to have the default.", attr.Name)
		return cty.NilVal, false
	}
	if !value.IsWhollyKnown() {
		l.errorf(at, "Missing value", "%s has no value that is known.", attr.Name)
		return cty.NilVal, false
	}
	converted, err := convert.Convert(value, want)
	if err != nil || value.Type() != want && want.IsPrimitiveType() {
		l.errorf(at, "Wrong type", "%s wants %s; this is %s.", attr.Name, article(want), article(value.Type()))
		return cty.NilVal, false
	}
	return converted, true
}

func (l *loader) nameForValue(attr *hcl.Attribute, reference hcl.Traversal) {
	at := reference.SourceRange()
	if reference.RootName() == "env" {
		l.errorf(at, "Environment not available here",
			"env.NAME can be used in env and in config. Other attributes stand in the file, so that the file says what runs.")
		return
	}
	if len(reference) == 1 && attr.Name != "args" {
		l.errorf(at, "Name in place of a value", `A text stands in quotes: %s = "%s".`, attr.Name, reference.RootName())
		return
	}
	l.errorf(at, "Name in place of a value", "A text stands in quotes, and %s refers to nothing else.", attr.Name)
}

// article names a type with its article.
func article(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a text in quotes"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType(), t.IsListType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	default:
		return "something else"
	}
}

func (l *loader) text(attr *hcl.Attribute) (string, bool) {
	if attr == nil {
		return "", false
	}
	value, ok := l.value(attr, cty.String)
	if !ok {
		return "", false
	}
	return value.AsString(), true
}

func (l *loader) number(attr *hcl.Attribute, within numbers, to *int) {
	if attr == nil {
		return
	}
	value, ok := l.value(attr, cty.Number)
	if !ok {
		return
	}
	number, accuracy := value.AsBigFloat().Int64()
	if accuracy != big.Exact || number < int64(within.min) || number > int64(within.max) {
		l.errorf(attr.Expr.Range(), "Number out of range", "%s is a whole number from %d to %d.", attr.Name, within.min, within.max)
		return
	}
	*to = int(number)
}

// duration returns true also where attr is nil, since the default is then right.
func (l *loader) duration(attr *hcl.Attribute, within durations, to *time.Duration) bool {
	if attr == nil {
		return true
	}
	at := attr.Expr.Range()
	if value, _ := attr.Expr.Value(nil); value.Type() == cty.Number && value.IsKnown() && !value.IsNull() {
		l.errorf(at, "Duration without a unit", `A duration is a text with a unit: %s = "%ss".`,
			attr.Name, value.AsBigFloat().Text('g', 10))
		return false
	}
	text, ok := l.text(attr)
	if !ok {
		return false
	}
	d, err := parseDuration(text)
	if err != nil {
		l.errorf(at, "Unreadable duration", "%s: %v.", attr.Name, err)
		return false
	}
	if d < within.min || d > within.max {
		l.errorf(at, "Duration out of range", "%s is from %s to %s.", attr.Name, formatDuration(within.min), formatDuration(within.max))
		return false
	}
	*to = d
	return true
}
