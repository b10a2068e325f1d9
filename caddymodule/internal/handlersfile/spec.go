package handlersfile

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// specOf turns a plugin's schema into what HCL decodes with. An error is a mistake
// in the plugin, not in the handlers file.
func specOf(s sdk.Schema) (hcldec.ObjectSpec, error) {
	spec := make(hcldec.ObjectSpec)
	for _, attr := range s.Attributes {
		if !hclsyntax.ValidIdentifier(attr.Name) {
			return nil, fmt.Errorf("attribute %q: this is no name", attr.Name)
		}
		if spec[attr.Name] != nil {
			return nil, fmt.Errorf("attribute %q: there are two", attr.Name)
		}
		attrSpec, err := attributeSpec(attr)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", attr.Name, err)
		}
		spec[attr.Name] = attrSpec
	}
	for _, block := range s.Blocks {
		if !hclsyntax.ValidIdentifier(block.Name) {
			return nil, fmt.Errorf("block %q: this is no name", block.Name)
		}
		if spec[block.Name] != nil {
			return nil, fmt.Errorf("block %q: there are two of this name", block.Name)
		}
		blockSpec, err := blockSpecOf(block)
		if err != nil {
			return nil, fmt.Errorf("block %q: %w", block.Name, err)
		}
		spec[block.Name] = blockSpec
	}
	return spec, nil
}

func attributeSpec(attr sdk.Attribute) (hcldec.Spec, error) {
	t, err := typeOf(attr.Type)
	if err != nil {
		return nil, err
	}
	spec := &hcldec.AttrSpec{Name: attr.Name, Type: t}
	if attr.Required {
		return required(spec, attr), nil
	}
	if attr.Default == nil {
		return spec, nil
	}
	value, err := jsonValue(attr.Default, t)
	if err != nil {
		return nil, fmt.Errorf("reading the default: %w", err)
	}
	return &hcldec.DefaultSpec{Primary: spec, Default: &hcldec.LiteralSpec{Value: value}}, nil
}

func typeOf(text string) (cty.Type, error) {
	expr, diags := hclsyntax.ParseExpression([]byte(text), "type", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilType, fmt.Errorf("the type %q cannot be read", text)
	}
	t, diags := typeexpr.TypeConstraint(expr)
	if diags.HasErrors() {
		return cty.NilType, fmt.Errorf("there is no type %q", text)
	}
	return t, nil
}

func jsonValue(text []byte, t cty.Type) (cty.Value, error) {
	if t == cty.DynamicPseudoType {
		implied, err := ctyjson.ImpliedType(text)
		if err != nil {
			return cty.NilVal, errors.New("it is not JSON")
		}
		t = implied
	}
	value, err := ctyjson.Unmarshal(text, t)
	if err != nil {
		return cty.NilVal, errors.New("it does not have the attribute's type")
	}
	return value, nil
}

// required refuses an attribute that is absent or null. HCL's own check would let
// null pass.
func required(spec hcldec.Spec, attr sdk.Attribute) hcldec.Spec {
	detail := fmt.Sprintf("%s is required here and has no value.", attr.Name)
	if attr.Description != "" {
		detail += fmt.Sprintf(" It is described as: %s", attr.Description)
	}
	return &hcldec.ValidateSpec{Wrapped: spec, Func: func(value cty.Value) hcl.Diagnostics {
		if !value.IsNull() {
			return nil
		}
		return hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Missing value",
			Detail: detail,
		}}
	}}
}

func blockSpecOf(block sdk.Block) (hcldec.Spec, error) {
	nested, err := specOf(block.Schema)
	if err != nil {
		return nil, err
	}
	switch block.Nesting {
	case sdk.NestingSingle:
		return &hcldec.BlockSpec{TypeName: block.Name, Nested: nested, Required: block.Required}, nil
	case sdk.NestingList:
		spec := &hcldec.BlockTupleSpec{TypeName: block.Name, Nested: nested}
		if block.Required {
			spec.MinItems = 1
		}
		return spec, nil
	default:
		return nil, fmt.Errorf("there is no nesting %d", block.Nesting)
	}
}
