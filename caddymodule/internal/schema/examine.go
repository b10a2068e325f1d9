package schema

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Kind is a kind of what is not known.
type Kind string

// The kinds.
const (
	// KindEventType: the type of an event. The rest of such an event is not examined.
	KindEventType Kind = "event_type"
	// KindSignalCode: the code of a signal.
	KindSignalCode Kind = "signal_code"
	// KindErrorCode: the type of an error, or its code, as TYPE/CODE, of an event or of a signal.
	KindErrorCode Kind = "error_code"
	// KindField: a field, by its path, as in data.signals[].meta.quality. Bodies of signals are not examined.
	KindField Kind = "field"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{KindEventType, KindSignalCode, KindErrorCode, KindField} }

// finding is a name that is not known.
type finding struct {
	kind Kind
	name string
}

// mostFindings bounds those of one event.
const mostFindings = 100

// examine returns what is not known of a body, each once.
func examine(body []byte) []finding {
	var event map[string]any
	if json.Unmarshal(body, &event) != nil {
		return nil // it is counted as unreadable
	}
	x := new(examiner)
	eventType, _ := event["eventType"].(string)
	if eventType == "" {
		eventType, _ = event["eventName"].(string)
	}
	if !knownTypes[eventType] {
		x.add(KindEventType, safe(eventType, isTypeName))
		return x.found
	}
	x.walk("", event, known)
	data, _ := event["data"].(map[string]any)
	x.signals(data["signals"])
	for _, e := range list(data["errors"]) {
		x.errorCode(e)
	}
	return x.found
}

type examiner struct{ found []finding }

func (x *examiner) add(kind Kind, name string) {
	f := finding{kind, name}
	if len(x.found) < mostFindings && !slices.Contains(x.found, f) {
		x.found = append(x.found, f)
	}
}

// walk looks for fields that are not known. Below one of them it does not look: it may have keys that are data.
func (x *examiner) walk(path string, v any, f *field) {
	switch v := v.(type) {
	case map[string]any:
		if f.each != nil { // the elements are named, as signals may be
			for _, element := range v {
				x.walk(path+"{}", element, f.each)
			}
			return
		}
		if f.fields == nil || f.isSignal && hasBodyBeside(v) {
			return
		}
		for key, inner := range v {
			at := key
			if path != "" {
				at = path + "." + key
			}
			if next, ok := f.fields[key]; ok {
				x.walk(at, inner, next)
				continue
			}
			x.add(KindField, strings.TrimSuffix(at, key)+safe(key, isFieldName))
		}
	case []any:
		if f.each == nil {
			return
		}
		for _, element := range v {
			x.walk(path+"[]", element, f.each)
		}
	}
}

// hasBodyBeside reports whether a signal has the fields of its body beside its own: it has no body, and has not failed.
func hasBodyBeside(signal map[string]any) bool {
	status, _ := signal["status"].(map[string]any)
	value, _ := status["value"].(string)
	_, hasBody := signal["body"]
	return !hasBody && status["error"] == nil && (value == "" || value == smartcar.StatusSuccess)
}

// signals looks at the codes of signals, and at those of the errors that they have.
func (x *examiner) signals(v any) {
	for _, s := range list(v) {
		if code := codeOf(s); code != "" {
			x.signalCode(code)
		}
		status, _ := s["status"].(map[string]any)
		if e, ok := status["error"].(map[string]any); ok {
			x.errorCode(e)
		}
	}
	named, _ := v.(map[string]any)
	for name, s := range named {
		inner, _ := s.(map[string]any)
		if codeOf(inner) != "" {
			continue // it is in the list above
		}
		if group, rest, ok := strings.Cut(name, "."); ok {
			name = strings.ToLower(group + "-" + rest)
		}
		x.signalCode(name)
	}
}

// codeOf is the code of a signal, "" where it has none.
func codeOf(s map[string]any) string {
	if code, _ := s["code"].(string); code != "" {
		return code
	}
	name, _ := s["name"].(string)
	group, _ := s["group"].(string)
	if name == "" || group == "" {
		return ""
	}
	return strings.ToLower(group + "-" + name)
}

func (x *examiner) signalCode(code string) {
	if !smartcar.KnownSignal(code) {
		x.add(KindSignalCode, safe(code, isSignalCode))
	}
}

func (x *examiner) errorCode(e map[string]any) {
	typ, _ := e["type"].(string)
	code, _ := e["code"].(string)
	if smartcar.KnownError(typ, code) {
		return
	}
	name := safe(typ, isTypeName)
	if isErrorType(typ) {
		if name += "/null"; code != "" {
			name = typ + "/" + safe(code, isTypeName)
		}
	}
	x.add(KindErrorCode, name)
}

func isErrorType(typ string) bool {
	return slices.ContainsFunc(smartcar.ErrorTypes(), func(t smartcar.ErrorType) bool { return t.Type == typ })
}

// list are the objects of an array, or of an object that names them.
func list(v any) (all []map[string]any) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			if object, ok := element.(map[string]any); ok {
				all = append(all, object)
			}
		}
	case map[string]any:
		for _, element := range v {
			if object, ok := element.(map[string]any); ok {
				all = append(all, object)
			}
		}
	}
	return all
}
