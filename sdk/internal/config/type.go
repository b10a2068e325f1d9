package config

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isText reports whether values of t are read from a string by their own method.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textType)
}

// hclTypeOf gives the HCL type constraint for an attribute of type t.
func hclTypeOf(t reflect.Type) (string, error) {
	if t == durationType || isText(t) {
		return "string", nil
	}
	switch t.Kind() {
	case reflect.String:
		return "string", nil
	case reflect.Bool:
		return "bool", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return "number", nil
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return "any", nil
		}
	case reflect.Pointer:
		switch t.Elem().Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			return "", fmt.Errorf("has type %s; a pointer may lead to a plain value or a struct", t)
		}
		return hclTypeOf(t.Elem())
	case reflect.Slice:
		return collectionOf("list", t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String || isText(t.Key()) {
			return "", fmt.Errorf("has type %s; the keys of a map must be strings", t)
		}
		return collectionOf("map", t.Elem())
	}
	return "", fmt.Errorf("has type %s, which a config cannot hold", t)
}

func collectionOf(kind string, elem reflect.Type) (string, error) {
	if elem.Kind() == reflect.Pointer || elem.Kind() == reflect.Interface || isBlockStruct(elem) {
		return "", fmt.Errorf("has a %s of %s; only plain values, lists and maps may be in it", kind, elem)
	}
	inner, err := hclTypeOf(elem)
	if err != nil {
		return "", err
	}
	return kind + "(" + inner + ")", nil
}

// defaultJSON turns the text of a default tag into JSON and tries it.
func defaultJSON(t reflect.Type, hcl, text string) (json.RawMessage, error) {
	if t.Kind() == reflect.Pointer {
		return nil, errors.New("a pointer is nil when left out; use the plain type")
	}
	raw := json.RawMessage(text)
	if hcl == "string" {
		var err error
		if raw, err = json.Marshal(text); err != nil {
			return nil, err
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, fmt.Errorf("%q is not JSON for a %s", text, hcl)
	}
	raw = compact.Bytes()
	if diags := decodeValue(raw, reflect.New(t).Elem(), place{}); len(diags) > 0 {
		return nil, fmt.Errorf("%s: %s", diags[0].Summary, diags[0].Detail)
	}
	return raw, nil
}
