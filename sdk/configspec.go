package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// bodySpec is the plan for one config struct: its schema and how to decode it.
type bodySpec struct {
	typ    reflect.Type
	fields []fieldSpec
}

// fieldSpec is one attribute or block.
type fieldSpec struct {
	name      string
	doc       string
	index     int
	required  bool
	sensitive bool
	// def is the JSON of the default, nil where there is none.
	def json.RawMessage
	// hclType is set for attributes, block for blocks.
	hclType string
	block   *bodySpec
	nesting Nesting
}

var attributeName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// specOf reads the tags of a config struct. It panics when they are misused:
// that is a mistake in the program, to be seen at its first start.
func specOf(t reflect.Type) *bodySpec {
	return specWithin(t, nil)
}

func specWithin(t reflect.Type, outer []reflect.Type) *bodySpec {
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("sdk: config type %s is not a struct", t))
	}
	if slices.Contains(outer, t) {
		panic(fmt.Sprintf("sdk: config type %s contains itself; HCL blocks have a fixed depth", t))
	}
	outer = append(slices.Clone(outer), t)
	spec := &bodySpec{typ: t}
	seen := map[string]string{}
	for i := range t.NumField() {
		sf := t.Field(i)
		f, ok := fieldOf(t, sf, outer)
		if !ok {
			continue
		}
		if other := seen[f.name]; other != "" {
			misuse(t, sf, "has the same config name %q as field %s", f.name, other)
		}
		seen[f.name] = sf.Name
		spec.fields = append(spec.fields, f)
	}
	return spec
}

func fieldOf(t reflect.Type, sf reflect.StructField, outer []reflect.Type) (fieldSpec, bool) {
	tag, tagged := sf.Tag.Lookup("config")
	_, hasDefault := sf.Tag.Lookup("default")
	if tag == "-" {
		return fieldSpec{}, false
	}
	if !sf.IsExported() {
		if tagged {
			misuse(t, sf, "has a config tag but is not exported")
		}
		return fieldSpec{}, false
	}
	if !tagged {
		misuse(t, sf, "has no config tag; write `config:\"%s\"`, or `config:\"-\"` to leave it out", snake(sf.Name))
	}
	name, rest, _ := strings.Cut(tag, ",")
	if !attributeName.MatchString(name) {
		misuse(t, sf, "has the config name %q; names are lower-case words joined by underscores", name)
	}
	f := fieldSpec{name: name, doc: sf.Tag.Get("doc"), index: sf.Index[0], required: true}
	optional := false
	for _, word := range strings.Split(rest, ",") {
		switch word {
		case "":
		case "optional":
			optional = true
		case "sensitive":
			f.sensitive = true
		default:
			misuse(t, sf, "has the unknown option %q in its config tag; there are optional and sensitive", word)
		}
	}
	if block, nesting, required, ok := blockOf(sf.Type, outer); ok {
		if optional || f.sensitive || hasDefault {
			misuse(t, sf, "is a block; blocks take no optional, sensitive or default (a pointer to a struct is an optional block)")
		}
		f.block, f.nesting, f.required = block, nesting, required
		return f, true
	}
	hcl, err := hclTypeOf(sf.Type)
	if err != nil {
		misuse(t, sf, "%v", err)
	}
	f.hclType = hcl
	if optional && hasDefault {
		misuse(t, sf, "has both optional and a default; a default makes it optional")
	}
	f.required = !optional && !hasDefault && sf.Type.Kind() != reflect.Pointer
	if hasDefault {
		f.def, err = defaultJSON(sf.Type, hcl, sf.Tag.Get("default"))
		if err != nil {
			misuse(t, sf, "has a default that does not fit: %v", err)
		}
	}
	return f, true
}

// blockOf says whether t is a block, and whether it must be there.
func blockOf(t reflect.Type, outer []reflect.Type) (spec *bodySpec, nesting Nesting, required, ok bool) {
	switch {
	case isBlockStruct(t):
		spec = specWithin(t, outer)
		return spec, NestingSingle, spec.demands(), true
	case t.Kind() == reflect.Pointer && isBlockStruct(t.Elem()):
		return specWithin(t.Elem(), outer), NestingSingle, false, true
	case t.Kind() == reflect.Slice && isBlockStruct(t.Elem()):
		return specWithin(t.Elem(), outer), NestingList, false, true
	}
	return nil, 0, false, false
}

func isBlockStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isText(t)
}

// demands says whether a body must be written because something in it is required.
func (s *bodySpec) demands() bool {
	return slices.ContainsFunc(s.fields, func(f fieldSpec) bool { return f.required })
}

// schema is the spec in the shape that goes to the host.
func (s *bodySpec) schema() Schema {
	var schema Schema
	for _, f := range s.fields {
		if f.block != nil {
			schema.Blocks = append(schema.Blocks, Block{
				Name: f.name, Description: f.doc, Nesting: f.nesting, Required: f.required, Schema: f.block.schema(),
			})
			continue
		}
		schema.Attributes = append(schema.Attributes, Attribute{
			Name: f.name, Type: f.hclType, Description: f.doc, Required: f.required, Default: f.def, Sensitive: f.sensitive,
		})
	}
	return schema
}

func misuse(t reflect.Type, sf reflect.StructField, format string, args ...any) {
	panic(fmt.Sprintf("sdk: config type %s: field %s %s", t, sf.Name, fmt.Sprintf(format, args...)))
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake guesses a config name for a field, for the text of a panic.
func snake(name string) string {
	return strings.ToLower(wordStart.ReplaceAllString(name, "${1}_${2}"))
}
