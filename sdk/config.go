package sdk

import "github.com/caddy-smartcar/caddy-smartcar/sdk/internal/config"

// ConfigError is an error about one place of the config, for Validate and for the function that opens a handler. The
// host shows it with file, line and snippet. path leads from the config block inwards, joined by dots, list elements
// by their index from 0: "url", "tls.cert", "rule.2.match"; "" is the block itself. In the Validate of a nested block
// the path starts at that block. summary says what is wrong in a few words, detail why and what to do.
//
// errors.Join returns several at once.
func ConfigError(path, summary, detail string) error { return config.NewError(path, summary, detail) }

// ConfigWarning is like [ConfigError], but the handler starts.
func ConfigWarning(path, summary, detail string) error {
	return config.NewWarning(path, summary, detail)
}

// schemaOf gives a spec the public shape.
func schemaOf(spec *config.Spec) Schema {
	var schema Schema
	for _, f := range spec.Fields {
		if f.Block == nil {
			schema.Attributes = append(schema.Attributes, Attribute{
				Name: f.Name, Type: f.Type, Description: f.Doc, Required: f.Required, Default: f.Default, Sensitive: f.Sensitive,
			})
			continue
		}
		block := Block{
			Name: f.Name, Description: f.Doc, Nesting: NestingSingle, Required: f.Required, Schema: schemaOf(f.Block),
		}
		if f.Repeated {
			block.Nesting = NestingList
		}
		schema.Blocks = append(schema.Blocks, block)
	}
	return schema
}

func diagnosticsOf(found []config.Diagnostic) []Diagnostic {
	var diags []Diagnostic
	for _, d := range found {
		diags = append(diags, Diagnostic(d))
	}
	return diags
}

func hasErrors(diags []Diagnostic) bool {
	for _, d := range diags {
		if !d.Warning {
			return true
		}
	}
	return false
}
