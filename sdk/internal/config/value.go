package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// decodeValue fills v, the value of an attribute, from JSON.
func decodeValue(raw json.RawMessage, v reflect.Value, at place) []Diagnostic {
	if isNull(raw) {
		return at.wrong("It must not be null.")
	}
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		v.Set(reflect.New(t.Elem()))
		return decodeValue(raw, v.Elem(), at)
	}
	if t == durationType || isText(t) {
		return decodeText(raw, v, at)
	}
	switch t.Kind() {
	case reflect.Slice:
		return decodeList(raw, v, at, decodeValue)
	case reflect.Map:
		return decodeMap(raw, v, at)
	case reflect.String:
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return at.wrong("It must be a string.")
		}
		v.SetString(s)
	case reflect.Interface:
		var value any
		if json.Unmarshal(raw, &value) != nil {
			return at.wrong("It must be a value.")
		}
		v.Set(reflect.ValueOf(value))
	case reflect.Bool:
		var b bool
		if json.Unmarshal(raw, &b) != nil {
			return at.wrong("It must be true or false.")
		}
		v.SetBool(b)
	default:
		return decodeNumber(raw, v, at)
	}
	return nil
}

func decodeText(raw json.RawMessage, v reflect.Value, at place) []Diagnostic {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return at.wrong("It must be a string.")
	}
	if v.Type() == durationType {
		d, err := time.ParseDuration(s)
		if err != nil {
			return at.wrong(fmt.Sprintf("%s is not a duration; write it like \"10s\" or \"1m30s\".", at.show(s)))
		}
		v.SetInt(int64(d))
		return nil
	}
	if err := unmarshalText(v.Addr().Interface().(encoding.TextUnmarshaler), s); err != nil {
		if at.sensitive {
			return at.wrong("The value cannot be read; it is sensitive and so not shown here.")
		}
		return at.wrong(err.Error())
	}
	return nil
}

// unmarshalText keeps a panic of a type's own method from ending the process.
func unmarshalText(u encoding.TextUnmarshaler, s string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading it failed: panic: %v", r)
		}
	}()
	return u.UnmarshalText([]byte(s))
}

func decodeMap(raw json.RawMessage, v reflect.Value, at place) []Diagnostic {
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return at.wrong("It must be a map.")
	}
	t := v.Type()
	m := reflect.MakeMapWithSize(t, len(values))
	var diags []Diagnostic
	for _, key := range slices.Sorted(maps.Keys(values)) {
		elem := reflect.New(t.Elem()).Elem()
		diags = append(diags, decodeValue(values[key], elem, at.in(key))...)
		m.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), elem)
	}
	v.Set(m)
	return diags
}

func decodeNumber(raw json.RawMessage, v reflect.Value, at place) []Diagnostic {
	var n json.Number
	if len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &n) != nil {
		return at.wrong("It must be a number.")
	}
	text := n.String()
	switch {
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || v.OverflowFloat(f) {
			return at.wrong(at.show(text) + " is too large.")
		}
		v.SetFloat(f)
	case v.CanInt():
		i, ok := wholeNumber(text)
		if !ok {
			return at.wrong(at.show(text) + " is not a whole number, or is too large.")
		}
		if v.OverflowInt(i) {
			return at.wrong(fmt.Sprintf("%s is too large or too small; at most %d bits fit.", at.show(text), v.Type().Bits()))
		}
		v.SetInt(i)
	default:
		u, err := strconv.ParseUint(text, 10, 64)
		if i, ok := wholeNumber(text); err != nil && ok && i >= 0 {
			u, err = uint64(i), nil
		}
		if err != nil || v.OverflowUint(u) {
			return at.wrong(fmt.Sprintf(
				"%s must be a whole number, not negative, of at most %d bits.", at.show(text), v.Type().Bits()))
		}
		v.SetUint(u)
	}
	return nil
}

// wholeNumber reads "12" exactly, and "1.2e1" as long as a float64 is exact.
func wholeNumber(text string) (int64, bool) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// show quotes a value for a diagnostic unless it is sensitive.
func (p place) show(text string) string {
	if p.sensitive {
		return "The value (sensitive, not shown)"
	}
	return strconv.Quote(text)
}
