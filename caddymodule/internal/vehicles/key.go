package vehicles

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// The first bytes of keys.
const (
	kindMeta      = 'm'
	kindForgotten = 'f'
	kindVehicle   = 'v'
)

// Bounds on what is a key. Smartcar's ids have 36 bytes. Events of a vehicle with a longer id are not noted.
const (
	maxID     = 128
	maxSource = 256
)

// An id is kept as the 16 bytes of a UUID where it is the usual text of one, else as it is.
const (
	idIsText = 't'
	idIsUUID = 'u'
	uuidText = 36
	uuidSize = 16
)

// appendKey appends the key of a source's vehicle: the kind, the source, a 0, and the id. It reports whether there is
// one.
func appendKey(b []byte, source, id string) ([]byte, bool) {
	if id == "" || len(id) > maxID || len(source) > maxSource || strings.IndexByte(source, 0) >= 0 {
		return b, false
	}
	b = append(b, kindVehicle)
	b = append(b, source...)
	b = append(b, 0)
	var uuid [uuidSize]byte
	if parseUUID(id, &uuid) {
		return append(append(b, idIsUUID), uuid[:]...), true
	}
	return append(append(b, idIsText), id...), true
}

// parseKey is the reverse of appendKey.
func parseKey(key []byte) (source, id string, ok bool) {
	if len(key) < 1 || key[0] != kindVehicle {
		return "", "", false
	}
	end := bytes.IndexByte(key, 0)
	if end < 0 || end+2 > len(key) {
		return "", "", false
	}
	source = string(key[1:end])
	switch kind, rest := key[end+1], key[end+2:]; {
	case kind == idIsText:
		return source, string(rest), true
	case kind == idIsUUID && len(rest) == uuidSize:
		return source, formatUUID(rest), true
	}
	return "", "", false
}

// sourceKeys are the bounds of a source's keys.
func sourceKeys(source string) (from, to []byte) {
	from = append(append([]byte{kindVehicle}, source...), 0)
	to = append(append([]byte{kindVehicle}, source...), 1)
	return from, to
}

// uuidDashes are where a UUID's text has dashes.
var uuidDashes = [...]int{8, 13, 18, 23}

// parseUUID reads the usual text of a UUID, in small letters.
func parseUUID(text string, to *[uuidSize]byte) bool {
	if len(text) != uuidText {
		return false
	}
	for _, i := range uuidDashes {
		if text[i] != '-' {
			return false
		}
	}
	n := 0
	for i := 0; i < uuidText; {
		if text[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23) {
			i++
			continue
		}
		high, low := hexDigit(text[i]), hexDigit(text[i+1])
		if high > 15 || low > 15 {
			return false
		}
		to[n] = high<<4 | low
		n++
		i += 2
	}
	return true
}

// hexDigit is the value of a digit in small letters, above 15 for anything else.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 16
}

func formatUUID(b []byte) string {
	text := make([]byte, 0, uuidText)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, []byte{c})
	}
	return string(text)
}
