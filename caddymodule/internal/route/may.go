package route

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// MayMatch reports whether the handler may want an event of a type and a source, whatever else the event says: false
// only where the answer is false for each of them. A nil Expr wants all.
func (e *Expr) MayMatch(eventType, source string) (may bool) {
	if e == nil {
		return true
	}
	defer func() {
		if recover() != nil {
			may = true
		}
	}()
	value, diags := e.source.Value(&hcl.EvalContext{
		Variables: map[string]cty.Value{"event": partialValue(eventType, source)},
		Functions: e.functions,
	})
	return diags.HasErrors() || value.Type() != cty.Bool || value.IsNull() || !value.IsKnown() || value.True()
}

// partialValue is the variable event of which only type and source are known.
func partialValue(eventType, source string) cty.Value {
	known := map[string]string{"type": eventType, "source": source}
	attributes := make(map[string]cty.Value, len(fields))
	for i := range fields {
		f := &fields[i]
		text, isKnown := known[f.name]
		switch {
		case isKnown:
			attributes[f.name] = cty.StringVal(text)
		case f.text != nil:
			attributes[f.name] = cty.UnknownVal(cty.String).RefineNotNull()
		default:
			attributes[f.name] = cty.UnknownVal(cty.Number).RefineNotNull()
		}
	}
	return cty.ObjectVal(attributes)
}
