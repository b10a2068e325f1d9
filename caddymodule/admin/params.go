package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// pageParams page through a list.
var pageParams = []string{"limit", "cursor"}

const (
	// maxBody bounds the JSON body of a POST.
	maxBody = 1 << 20
)

// params are the query parameters of a request, all of them known.
type params url.Values

// parseParams refuses what is not in known, so that a mistyped filter never means "all".
func parseParams(raw string, known []string) (params, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, apiErrorf(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	for name := range values {
		if slices.Contains(known, name) {
			continue
		}
		if len(known) == 0 {
			return nil, apiErrorf(http.StatusBadRequest, "unknown parameter %q: there are none here", name)
		}
		return nil, apiErrorf(http.StatusBadRequest, "unknown parameter %q: there are %s", name, strings.Join(known, ", "))
	}
	return params(values), nil
}

// one returns the value of a parameter that may be given once, "" where it is not.
func (p params) one(name string) (string, error) {
	switch values := p[name]; {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", apiErrorf(http.StatusBadRequest, "%s is given %d times, once is possible", name, len(values))
	case values[0] == "":
		return "", apiErrorf(http.StatusBadRequest, "%s is empty: give a value or leave it out", name)
	default:
		return values[0], nil
	}
}

func (p params) bool(name string) (bool, error) {
	text, err := p.one(name)
	if err != nil || text == "" {
		return false, err
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, apiErrorf(http.StatusBadRequest, "%s %q: must be true or false", name, text)
	}
	return b, nil
}

// duration reads one of more than 0, as in 24h or 3d; 0 where it is not given.
func (p params) duration(name string) (time.Duration, error) {
	text, err := p.one(name)
	if err != nil || text == "" {
		return 0, err
	}
	d, err := caddy.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, apiErrorf(http.StatusBadRequest, "%s %q: must be a duration of more than 0, such as 24h", name, text)
	}
	return d, nil
}

func (p params) limit() (int, error) {
	text, err := p.one("limit")
	if err != nil || text == "" {
		return api.DefaultLimit, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > api.MaxLimit {
		return 0, apiErrorf(http.StatusBadRequest, "limit %q: must be 1 to %d", text, api.MaxLimit)
	}
	return n, nil
}

// The kinds of cursors: a cursor of one list is an error in another.
const (
	eventCursor      = "e"
	deadLetterCursor = "d"
	vehicleCursor    = "v"
	quarantineCursor = "q"
)

// makeCursor hides what is behind a cursor, so that nobody builds on it.
func makeCursor(kind, at string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + at))
}

// cursor returns what makeCursor was given, "" at the beginning. It may be empty, so that
// a loop over pages need not make an exception of the first.
func (p params) cursor(kind string) (string, error) {
	if values := p["cursor"]; len(values) == 1 && values[0] == "" {
		return "", nil
	}
	text, err := p.one("cursor")
	if err != nil || text == "" {
		return "", err
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	at, ok := strings.CutPrefix(string(raw), kind)
	if err != nil || !ok || at == "" {
		return "", apiErrorf(http.StatusBadRequest, "cursor %q: must be the next_cursor of an earlier answer from here", text)
	}
	return at, nil
}

// decodeBody reads the JSON body of a POST into a struct, strictly.
func decodeBody(r *http.Request, into any) error { return decodeBodyOf(r, into, maxBody) }

// decodeBodyOf is decodeBody for a body of at most so many bytes.
func decodeBodyOf(r *http.Request, into any, most int) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	if err != nil {
		return apiErrorf(http.StatusBadRequest, "reading the body: %v", err)
	}
	if len(body) > most {
		return apiErrorf(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", most)
	}
	fields := strings.Join(jsonFields(reflect.TypeOf(into).Elem(), ""), ", ")
	if len(bytes.TrimSpace(body)) == 0 {
		return apiErrorf(http.StatusBadRequest, "the body is empty: send a JSON object with %s", fields)
	}
	// A form of another site cannot set this header without asking first.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return apiErrorf(http.StatusUnsupportedMediaType, "send the body with Content-Type: application/json")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return apiErrorf(http.StatusBadRequest, "unknown field %s: there are %s", field, fields)
		}
		return apiErrorf(http.StatusBadRequest, "the body is not what is expected here, an object with %s: %s",
			fields, wrongJSON(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return apiErrorf(http.StatusBadRequest, "the body goes on after its JSON object")
	}
	return nil
}

// wrongJSON says what is wrong with JSON in words of JSON.
func wrongJSON(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := wrong.Field
		if field == "" {
			field = "it"
		}
		return fmt.Sprintf("%s must be %s, not a %s", field, jsonKind(wrong.Type), wrong.Value)
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("it is no JSON at byte %d", wrong.Offset)
	}
	return "it is cut off"
}

// jsonKind names what JSON has for a Go type.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonKind(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	default:
		return "a number"
	}
}

// jsonFields are the names that a struct knows, those of structs in it with a dot.
func jsonFields(t reflect.Type, prefix string) []string {
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Type.Kind() == reflect.Struct {
			names = append(names, jsonFields(f.Type, prefix+name+".")...)
			continue
		}
		names = append(names, prefix+name)
	}
	return names
}
