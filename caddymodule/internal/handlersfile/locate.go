package handlersfile

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Locate gives a plugin's remark about its config the place in the handlers file
// that it is about: the innermost one that its path leads to. A path through
// something that is not written in the file ends at the block that lacks it.
func Locate(body hcl.Body, s sdk.Schema, d sdk.Diagnostic) *hcl.Diagnostic {
	at := find(body, s, d.Path)
	located := &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: d.Summary, Detail: d.Detail, Subject: &at,
		Extra: plainRanges(plainValues(body, s)),
	}
	if d.Warning {
		located.Severity = hcl.DiagWarning
	}
	if located.Summary == "" {
		located.Summary = "The plugin refuses its config"
	}
	return located
}

func find(body hcl.Body, s sdk.Schema, path []string) hcl.Range {
	at := body.MissingItemRange()
	if len(path) == 0 {
		return at
	}
	content, _, _ := body.PartialContent(bodySchema(s))
	if attr := content.Attributes[path[0]]; attr != nil {
		return findInValue(attr.Expr, path[1:])
	}
	described := blockNamed(s, path[0])
	if described == nil {
		return at
	}

	blocks := content.Blocks.OfType(path[0])
	rest, index := path[1:], 0
	if described.Nesting == sdk.NestingList && len(rest) > 0 {
		n, err := strconv.Atoi(rest[0])
		if err != nil {
			return at
		}
		rest, index = rest[1:], n
	}
	if index < 0 || index >= len(blocks) {
		return at
	}
	if len(rest) == 0 {
		return blocks[index].DefRange
	}
	inner := find(blocks[index].Body, described.Schema, rest)
	if inner == blocks[index].Body.MissingItemRange() {
		return blocks[index].DefRange
	}
	return inner
}

// findInValue follows a path into a list or an object that is written out.
func findInValue(expr hcl.Expression, path []string) hcl.Range {
	if len(path) == 0 {
		return expr.Range()
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		for _, pair := range pairs {
			key, diags := pair.Key.Value(nil)
			if !diags.HasErrors() && key.Type() == cty.String && key.IsKnown() && !key.IsNull() && key.AsString() == path[0] {
				return findInValue(pair.Value, path[1:])
			}
		}
		return expr.Range()
	}
	if elements, diags := hcl.ExprList(expr); !diags.HasErrors() {
		if n, err := strconv.Atoi(path[0]); err == nil && n >= 0 && n < len(elements) {
			return findInValue(elements[n], path[1:])
		}
	}
	return expr.Range()
}
