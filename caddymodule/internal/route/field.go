package route

import (
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// field is one attribute of event. Exactly one of text and number is set.
type field struct {
	name   string
	text   func(*buffer.Event) string
	number func(*buffer.Event) int64
}

// fields are all attributes of event. Every one has a value for every event, ""
// where the event says nothing, so that no expression meets a null.
var fields = []field{
	{name: "id", text: func(e *buffer.Event) string { return e.ID }},
	{name: "type", text: func(e *buffer.Event) string { return e.Type }},
	// In capitals also of an event that an earlier version stored as it was written.
	{name: "mode", text: func(e *buffer.Event) string { return strings.ToUpper(e.Mode) }},
	{name: "source", text: func(e *buffer.Event) string { return e.Source }},
	{name: "vehicle", text: func(e *buffer.Event) string { return e.VehicleID }},
	{name: "user", text: func(e *buffer.Event) string { return e.UserID }},
	{name: "webhook", text: func(e *buffer.Event) string { return e.WebhookID }},
	{name: "received_at", number: func(e *buffer.Event) int64 { return e.ReceivedAt.Unix() }},
}

func (f *field) kind() kind {
	if f.text != nil {
		return kindText
	}
	return kindNumber
}

func fieldNamed(name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

func fieldNames() []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].name
	}
	return names
}

// eventValue is the variable event for the HCL evaluator.
func eventValue(e *buffer.Event) cty.Value {
	attributes := make(map[string]cty.Value, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.text != nil {
			attributes[f.name] = cty.StringVal(f.text(e))
			continue
		}
		attributes[f.name] = cty.NumberIntVal(f.number(e))
	}
	return cty.ObjectVal(attributes)
}

// normalize gives s the Unicode normalization form that all text has in HCL.
func normalize(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return cty.NormalizeString(s)
		}
	}
	return s
}
