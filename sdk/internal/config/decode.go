package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Decode fills v, a struct of the type that the spec was made of, from a JSON object. The host has already checked
// names and types; other callers may not have.
func (s *Spec) Decode(raw json.RawMessage, v reflect.Value) []Diagnostic {
	return s.decodeBody(raw, v, place{})
}

// place is where in the config a value stands.
type place struct {
	path      []string
	sensitive bool
}

func (p place) in(name string) place {
	return place{path: join(p.path, name), sensitive: p.sensitive}
}

func (p place) wrong(detail string) []Diagnostic {
	return []Diagnostic{{Summary: "Wrong value for " + p.String(), Detail: detail, Path: join(p.path)}}
}

func (p place) String() string {
	if len(p.path) == 0 {
		return "the config"
	}
	return strconv.Quote(strings.Join(p.path, "."))
}

func (s *Spec) decodeBody(raw json.RawMessage, v reflect.Value, at place) []Diagnostic {
	values := map[string]json.RawMessage{}
	if len(raw) > 0 && !isNull(raw) {
		if err := json.Unmarshal(raw, &values); err != nil {
			return at.wrong("It must be a JSON object.")
		}
	}
	var diags []Diagnostic
	for _, f := range s.Fields {
		diags = append(diags, f.decode(values[f.Name], v.Field(f.index), at)...)
		delete(values, f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		diags = append(diags, Diagnostic{
			Summary: "Unknown name " + strconv.Quote(name),
			Detail:  s.names(),
			Path:    join(at.path),
		})
	}
	if len(diags) > 0 {
		return diags
	}
	return validate(v, at)
}

// names lists what the body may hold.
func (s *Spec) names() string {
	if len(s.Fields) == 0 {
		return "Nothing can be set here."
	}
	var names []string
	for _, f := range s.Fields {
		names = append(names, f.Name)
	}
	return "Here can stand: " + strings.Join(names, ", ") + "."
}

func (f *Field) decode(raw json.RawMessage, v reflect.Value, at place) []Diagnostic {
	at = at.in(f.Name)
	at.sensitive = f.Sensitive
	absent := len(raw) == 0 || isNull(raw)
	if f.Block != nil {
		return f.decodeBlock(raw, absent, v, at)
	}
	if absent && f.Required {
		return []Diagnostic{{
			Summary: "Missing " + at.String(),
			Detail:  strings.TrimSpace("It is required. " + f.Doc),
			Path:    join(at.path[:len(at.path)-1]),
		}}
	}
	if absent {
		raw = f.Default
	}
	if raw == nil {
		return nil
	}
	return decodeValue(raw, v, at)
}

func (f *Field) decodeBlock(raw json.RawMessage, absent bool, v reflect.Value, at place) []Diagnostic {
	switch v.Kind() {
	case reflect.Pointer:
		if absent {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return f.Block.decodeBody(raw, v.Elem(), at)
	case reflect.Slice:
		if absent {
			return nil
		}
		return decodeList(raw, v, at, f.Block.decodeBody)
	}
	if absent && f.Required {
		return []Diagnostic{{
			Summary: "Missing block " + at.String(),
			Detail:  strings.TrimSpace("It is required. " + f.Doc),
			Path:    join(at.path[:len(at.path)-1]),
		}}
	}
	return f.Block.decodeBody(raw, v, at)
}

// decodeList fills a slice from a JSON array.
func decodeList(
	raw json.RawMessage, v reflect.Value, at place,
	decode func(json.RawMessage, reflect.Value, place) []Diagnostic,
) []Diagnostic {
	var elems []json.RawMessage
	if err := json.Unmarshal(raw, &elems); err != nil {
		return at.wrong("It must be a list.")
	}
	list := reflect.MakeSlice(v.Type(), len(elems), len(elems))
	var diags []Diagnostic
	for i, elem := range elems {
		diags = append(diags, decode(elem, list.Index(i), at.in(strconv.Itoa(i)))...)
	}
	v.Set(list)
	return diags
}

// validate runs the author's own check of a decoded body.
func validate(v reflect.Value, at place) (diags []Diagnostic) {
	checker, ok := v.Addr().Interface().(interface{ Validate() error })
	if !ok {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			detail := fmt.Sprintf("Panic: %v", r)
			diags = []Diagnostic{{Summary: "The check of the config failed", Detail: detail, Path: join(at.path)}}
		}
	}()
	return diagnosticsWithin(checker.Validate(), "Wrong config", at.path)
}

func isNull(raw json.RawMessage) bool {
	return bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}
