package sdktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Config is a config block: attributes by name. A block is a Config, repeated blocks are a []Config. A time.Duration is
// written as its text.
type Config map[string]any

// configJSON is what the host would send for config: it has every attribute and block of the schema, with its default
// or null. Names that the schema does not know stay, and the plugin refuses them.
func configJSON(config any, schema sdk.Schema) ([]byte, error) {
	var raw []byte
	switch c := config.(type) {
	case nil:
		raw = []byte("{}")
	case string:
		raw = []byte(c)
	case []byte:
		raw = c
	case json.RawMessage:
		raw = c
	default:
		var err error
		if raw, err = json.Marshal(plain(config)); err != nil {
			return nil, fmt.Errorf("encoding the config: %w", err)
		}
	}
	var values map[string]any
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("reading the config, which must be a JSON object: %w", err)
	}
	return json.Marshal(filled(values, schema))
}

// plain turns durations into text, at any depth.
func plain(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.String()
	case Config:
		return plain(map[string]any(v))
	case []Config:
		list := make([]any, 0, len(v))
		for _, c := range v {
			list = append(list, plain(c))
		}
		return list
	case []any:
		list := make([]any, 0, len(v))
		for _, elem := range v {
			list = append(list, plain(elem))
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, elem := range v {
			m[name] = plain(elem)
		}
		return m
	}
	return v
}

// filled adds what is in the schema but not in values.
func filled(values map[string]any, schema sdk.Schema) map[string]any {
	all := maps.Clone(values)
	if all == nil {
		all = map[string]any{}
	}
	for _, a := range schema.Attributes {
		if all[a.Name] == nil && a.Default != nil {
			all[a.Name] = a.Default
		} else if all[a.Name] == nil {
			all[a.Name] = nil
		}
	}
	for _, b := range schema.Blocks {
		switch v := all[b.Name].(type) {
		case map[string]any:
			all[b.Name] = filled(v, b.Schema)
		case []any:
			for i, elem := range v {
				if body, ok := elem.(map[string]any); ok {
					v[i] = filled(body, b.Schema)
				}
			}
		case nil:
			all[b.Name] = nil
			if b.Nesting == sdk.NestingList {
				all[b.Name] = []any{}
			}
		}
	}
	return all
}
