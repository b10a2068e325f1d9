// Package masking shows the configuration of Caddy without what may be secret or name somebody. It knows what may be
// shown, not what may not: a value that it does not know is masked.
package masking

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Masked stands where a value was.
const Masked = "(masked)"

const (
	// mostNumber is how long a number may be in characters. What is longer is an id, or a key.
	mostNumber = 7
	// mostDecimals is how many decimals one may have. With more it may be a place.
	mostDecimals = 2
	// mostQuantity is how long one may be whose name says that it is a duration or a size.
	mostQuantity = 20
	// mostDepth is how deep a config may be nested.
	mostDepth = 200
)

// ErrNotJSON says that a config is not one JSON value. It holds nothing of it.
var ErrNotJSON = errors.New("the config is not JSON")

// Config returns a config of Caddy, in JSON, with its structure, its switches, numbers that are small or named as a
// duration or a size, and those strings that are known to hold no secret: placeholders, durations and sizes, names of
// modules and levels, addresses and hosts that are listened on, paths of this module's files. All others are Masked, but
// of an address its kind and port are said; so are keys that may be data. Below a name of a secret, and in maps of data
// such as headers, only placeholders and switches are shown. Errors: ErrNotJSON.
func Config(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var config any
	if err := dec.Decode(&config); err != nil {
		return nil, ErrNotJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrNotJSON
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(masked(config, nil)); err != nil {
		return nil, ErrNotJSON // what was decoded is encoded
	}
	return out.Bytes(), nil
}

// masked returns a value for display. at is the path to it.
func masked(value any, at []string) any {
	if len(at) > mostDepth {
		return Masked
	}
	switch v := value.(type) {
	case map[string]any:
		return maskedObject(v, at)
	case []any:
		shown := make([]any, len(v))
		for i := range v {
			shown[i] = masked(v[i], append(at[:len(at):len(at)], strconv.Itoa(i)))
		}
		return shown
	case json.Number:
		if !showsNumber(string(v), at) {
			return Masked
		}
		return v
	case string:
		switch {
		case mayShow(v, at):
			return v
		case hidden(at):
			return Masked
		default:
			return standIn(v)
		}
	default: // true, false, null
		return v
	}
}

func maskedObject(object map[string]any, at []string) map[string]any {
	shown := make(map[string]any, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name, path := key, below(object, at, key)
		if !shownKey(path) {
			name = Masked
		}
		// Keys that are masked are one: how many there were is not needed.
		if _, has := shown[name]; !has {
			shown[name] = masked(object[key], path)
		}
	}
	source, ok := object["source"].(string)
	if ok && object["handler"] == "smartcar_webhook" && isName(source) && !hidden(at) {
		shown["source"] = source
	}
	return shown
}
