package sdk

import (
	"fmt"
	"path/filepath"
	"strings"
)

// usage is what a plugin prints that was started by hand: the block of the handlers file that runs it.
func usage(p *Plugin, args []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is a handler for caddy-smartcar", p.name)
	if p.settings.version != "" {
		fmt.Fprintf(&b, " (%s)", p.settings.version)
	}
	b.WriteString(". It does nothing by itself:\nCaddy starts it when the handlers file names it, like this:\n\n")
	command := args[0]
	if abs, err := filepath.Abs(command); err == nil {
		command = abs
	}
	if len(args) > 1 && args[len(args)-1] == p.name {
		// A program with plugins compiled in was asked for one of them by name.
		command = p.name
	}
	fmt.Fprintf(&b, "handler %q {\n  plugin = %q\n", strings.ReplaceAll(p.name, "-", "_"), command)
	if schema := p.Schema(); len(schema.Attributes)+len(schema.Blocks) > 0 {
		b.WriteString("\n  config {\n")
		usageBody(&b, schema, "    ")
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func usageBody(b *strings.Builder, s Schema, indent string) {
	for _, a := range s.Attributes {
		note := a.Type
		if a.Required {
			note += ", required"
		}
		if a.Description != "" {
			note += ": " + a.Description
		}
		value := string(a.Default)
		if value == "" {
			value = placeholder(a.Type)
		}
		fmt.Fprintf(b, "%s%s = %s # %s\n", indent, a.Name, value, note)
	}
	for _, block := range s.Blocks {
		fmt.Fprintf(b, "%s%s {", indent, block.Name)
		if block.Description != "" {
			fmt.Fprintf(b, " # %s", block.Description)
		}
		b.WriteString("\n")
		usageBody(b, block.Schema, indent+"  ")
		fmt.Fprintf(b, "%s}\n", indent)
	}
}

// placeholder is an empty value of an HCL type.
func placeholder(hclType string) string {
	switch {
	case strings.HasPrefix(hclType, "list"):
		return "[]"
	case strings.HasPrefix(hclType, "map"):
		return "{}"
	case hclType == "number":
		return "0"
	case hclType == "bool":
		return "false"
	}
	return `"..."`
}
