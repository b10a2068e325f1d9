package smartcar

import (
	"bytes"
	"encoding/json"
	"strings"
)

// wireSignals reads data.signals, an array of signals or an object of them by name.
type wireSignals []Signal

func (w *wireSignals) UnmarshalJSON(raw []byte) error {
	*w = nil
	switch raw[0] {
	case '[':
		var all list[wireSignal]
		_ = all.UnmarshalJSON(raw)
		for _, s := range all {
			*w = append(*w, Signal(s))
		}
	case '{':
		eachMember(raw, func(name string, value json.RawMessage) {
			*w = append(*w, namedSignal(parseSignalRef(name), value))
		})
	}
	return nil
}

// namedSignal reads a signal whose name is outside. The value may be all of the signal, only its body, or the members
// of its body beside its meta and status.
func namedSignal(ref SignalRef, raw json.RawMessage) Signal {
	var parts map[string]json.RawMessage
	_ = json.Unmarshal(raw, &parts)
	if parts["body"] == nil && !isObject(parts["meta"]) && !isObject(parts["status"]) {
		return Signal{SignalRef: ref, Body: raw, Status: StatusSuccess}
	}
	s := readSignal(raw, isObject)
	if s.Code == "" {
		s.SignalRef = ref
	}
	return s
}

// bodyBeside returns the body of a signal that has its members beside those of the signal, as {"value":true,"meta":{}}
// has; nil if there are none. A meta or status is a part of the body unless isOwn says that it is the signal's own.
func bodyBeside(raw []byte, isOwn func(value json.RawMessage) bool) json.RawMessage {
	var body []byte
	eachMember(raw, func(key string, value json.RawMessage) {
		switch strings.ToLower(key) {
		case "code", "name", "group", "body":
			return
		case "meta", "status":
			if isOwn(value) {
				return
			}
		}
		body = append(body, ',')
		body = appendString(body, key)
		body = append(body, ':')
		body = append(body, value...)
	})
	if body == nil {
		return nil
	}
	body[0] = '{'
	return append(body, '}')
}

// eachMember calls member for each one of an object, in the order of the text. Of anything else there are none.
func eachMember(raw []byte, member func(key string, value json.RawMessage)) {
	if !isObject(raw) {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	_, _ = decoder.Token() // the brace
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return
		}
		member(key.(string), value)
	}
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// isAnything is for a signal whose meta and status are its own, whatever they are.
func isAnything(json.RawMessage) bool { return true }
