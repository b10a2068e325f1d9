package smartcar

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// The types of this file read a value of the type they want; a value of another type counts as absent and is never an
// error.

// text is a string.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	if raw[0] == '"' {
		*t = text(unquote(raw))
	}
	return nil
}

// number is a whole number, or a string that spells one; a fraction is cut off.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	*n = 0
	if raw[0] == '"' {
		*n = parseNumber(unquote(raw))
		return nil
	}
	*n = parseNumber(string(raw))
	return nil
}

func parseNumber(text string) number {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return number(whole)
	}
	// Beyond 2^53 a float is not exact, and not a sensible count either.
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) <= 1<<53 {
		return number(f)
	}
	return 0
}

// instant is a time in one of Smartcar's forms.
type instant time.Time

func (t *instant) UnmarshalJSON(raw []byte) error {
	*t = instant(parseTime(raw))
	return nil
}

// list is an array without its null elements.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(raw []byte) error {
	*l = nil
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil //nolint:nilerr // what is no list is read as an empty one
	}
	for _, element := range elements {
		if string(element) == "null" {
			continue
		}
		var v T
		_ = json.Unmarshal(element, &v)
		*l = append(*l, v)
	}
	return nil
}

// appendString appends s as JSON.
func appendString(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string cannot fail
	return append(b, quoted...)
}
