package handlersfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// DecodeConfig evaluates the body of a config block by the plugin's schema. The
// result is a JSON object with a key for every attribute and block of the schema:
// an attribute or single block that is absent is its default, or null; a block
// that may be repeated is a list. The config refers to environment variables as
// env.NAME; those it refers to must be set.
//
// Where the diagnostics have an error there is no JSON. They point at the original
// file and hold no values.
func DecodeConfig(body hcl.Body, s sdk.Schema) (configJSON []byte, diags hcl.Diagnostics) {
	spec, err := specOf(s)
	if err != nil {
		at := body.MissingItemRange()
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Plugin with a wrong schema",
			Detail:  fmt.Sprintf("The plugin describes its config wrongly, which its author has to fix: %v.", err),
			Subject: &at,
		}}
	}

	used := hcldec.Variables(body, spec)
	if native, ok := body.(*hclsyntax.Body); ok {
		// Attributes that the schema does not know are looked at too.
		used = references(native)
	}
	vars := resolve(used)
	value, decodeDiags := hcldec.Decode(body, spec, vars.context())
	diags = tidy(vars.with(decodeDiags), nil)
	plain := plainRanges(plainValues(body, s))
	for _, d := range diags {
		d.Extra = plain
	}
	if diags.HasErrors() {
		return nil, diags
	}

	configJSON, err = ctyjson.Marshal(value, value.Type())
	if err != nil {
		at := body.MissingItemRange()
		return nil, append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Config without a value",
			Detail: "The config has a value that cannot be known before the plugin runs.", Subject: &at,
		})
	}
	return configJSON, diags
}

// config checks a handler's config: by the schema where the plugin ships with this
// program, and otherwise what can be known of it.
func (l *loader) config(d *Definition) {
	if d.Plugin != "" {
		schema, ok := l.opts.Bundled(d.Plugin)
		if !ok {
			return
		}
		config, diags := DecodeConfig(d.Config, schema)
		l.diags = append(l.diags, diags...)
		l.source.plain = append(l.source.plain, plainValues(d.Config, schema)...)
		if !diags.HasErrors() {
			d.ConfigJSON = config
			l.values(d, schema)
		}
		return
	}

	body := d.Config.(*hclsyntax.Body)
	vars := resolve(references(body))
	ctx := vars.context()
	var evaluation hcl.Diagnostics
	eachAttribute(body, func(attr *hclsyntax.Attribute) {
		_, diags := attr.Expr.Value(ctx)
		evaluation = append(evaluation, diags...)
	})
	l.diags = append(l.diags, vars.with(evaluation)...)
}

// plainValues returns where the values stand that are no secrets by the schema.
func plainValues(body hcl.Body, s sdk.Schema) []hcl.Range {
	content, _, _ := body.PartialContent(bodySchema(s))
	var plain []hcl.Range
	for _, attr := range s.Attributes {
		if there := content.Attributes[attr.Name]; there != nil && !attr.Sensitive {
			plain = append(plain, there.Expr.Range())
		}
	}
	for _, block := range content.Blocks {
		if described := blockNamed(s, block.Type); described != nil {
			plain = append(plain, plainValues(block.Body, described.Schema)...)
		}
	}
	return plain
}

// bodySchema is the schema's top level, for looking around in a body.
func bodySchema(s sdk.Schema) *hcl.BodySchema {
	schema := new(hcl.BodySchema)
	for _, attr := range s.Attributes {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: attr.Name})
	}
	for _, block := range s.Blocks {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: block.Name})
	}
	return schema
}

func blockNamed(s sdk.Schema, name string) *sdk.Block {
	for i := range s.Blocks {
		if s.Blocks[i].Name == name {
			return &s.Blocks[i]
		}
	}
	return nil
}
