// Package config reads the config structs of plugins: their tags into a schema, and JSON into their values.
package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Spec is the plan for one config struct: its schema and how to decode it.
type Spec struct {
	Fields []Field
}

// Field is one attribute or block.
type Field struct {
	Name string
	// Doc is one sentence for people, "" where there is none.
	Doc       string
	Required  bool
	Sensitive bool
	// Type is the HCL type constraint of an attribute, "" for a block.
	Type string
	// Default is the JSON of an attribute's default, nil where there is none.
	Default json.RawMessage
	// Block is the body of a block, nil for an attribute; Repeated blocks are a list.
	Block    *Spec
	Repeated bool

	index int
}

var attributeName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Of reads the tags of a config struct. It panics when they are misused: that is a mistake in the program, which its
// first start shows.
func Of(t reflect.Type) *Spec {
	return specWithin(t, nil)
}

func specWithin(t reflect.Type, outer []reflect.Type) *Spec {
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("sdk: config type %s is not a struct", t))
	}
	if slices.Contains(outer, t) {
		panic(fmt.Sprintf("sdk: config type %s contains itself; HCL blocks have a fixed depth", t))
	}
	outer = append(slices.Clone(outer), t)
	spec := &Spec{}
	seen := map[string]string{}
	for i := range t.NumField() {
		sf := t.Field(i)
		f, ok := fieldOf(t, sf, outer)
		if !ok {
			continue
		}
		if other := seen[f.Name]; other != "" {
			misuse(t, sf, "has the same config name %q as field %s", f.Name, other)
		}
		seen[f.Name] = sf.Name
		spec.Fields = append(spec.Fields, f)
	}
	return spec
}

func fieldOf(t reflect.Type, sf reflect.StructField, outer []reflect.Type) (Field, bool) {
	tag, tagged := sf.Tag.Lookup("config")
	_, hasDefault := sf.Tag.Lookup("default")
	if tag == "-" {
		return Field{}, false
	}
	if !sf.IsExported() {
		if tagged {
			misuse(t, sf, "has a config tag but is not exported")
		}
		return Field{}, false
	}
	if !tagged {
		misuse(t, sf, "has no config tag; write `config:\"%s\"`, or `config:\"-\"` to leave it out", snake(sf.Name))
	}
	name, rest, _ := strings.Cut(tag, ",")
	if !attributeName.MatchString(name) {
		misuse(t, sf, "has the config name %q; names are lower-case words joined by underscores", name)
	}
	f := Field{Name: name, Doc: sf.Tag.Get("doc"), index: sf.Index[0]}
	optional := false
	for _, word := range strings.Split(rest, ",") {
		switch word {
		case "":
		case "optional":
			optional = true
		case "sensitive":
			f.Sensitive = true
		default:
			misuse(t, sf, "has the unknown option %q in its config tag; there are optional and sensitive", word)
		}
	}
	if isBlock(sf.Type) {
		if optional || f.Sensitive || hasDefault {
			misuse(t, sf, "is a block; blocks take no optional, sensitive or default "+
				"(a pointer to a struct is an optional block)")
		}
		f.block(sf.Type, outer)
		return f, true
	}
	hcl, err := hclTypeOf(sf.Type)
	if err != nil {
		misuse(t, sf, "%v", err)
	}
	f.Type = hcl
	if optional && hasDefault {
		misuse(t, sf, "has both optional and a default; a default makes it optional")
	}
	f.Required = !optional && !hasDefault && sf.Type.Kind() != reflect.Pointer
	if hasDefault {
		f.Default, err = defaultJSON(sf.Type, hcl, sf.Tag.Get("default"))
		if err != nil {
			misuse(t, sf, "has a default that does not fit: %v", err)
		}
	}
	return f, true
}

// isBlock reports whether a field of type t is a block: a struct, a pointer to one, or a slice of them.
func isBlock(t reflect.Type) bool {
	return isBlockStruct(t) || (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) && isBlockStruct(t.Elem())
}

func isBlockStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isText(t)
}

// block makes f a block of type t. A plain struct must be there if something in it is required.
func (f *Field) block(t reflect.Type, outer []reflect.Type) {
	if t.Kind() == reflect.Struct {
		f.Block = specWithin(t, outer)
		f.Required = slices.ContainsFunc(f.Block.Fields, func(f Field) bool { return f.Required })
		return
	}
	f.Block = specWithin(t.Elem(), outer)
	f.Repeated = t.Kind() == reflect.Slice
}

func misuse(t reflect.Type, sf reflect.StructField, format string, args ...any) {
	panic(fmt.Sprintf("sdk: config type %s: field %s %s", t, sf.Name, fmt.Sprintf(format, args...)))
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake guesses a config name for a field, for the text of a panic.
func snake(name string) string {
	return strings.ToLower(wordStart.ReplaceAllString(name, "${1}_${2}"))
}
