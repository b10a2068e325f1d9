package vehicles

import (
	"bytes"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	const uuid = "1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10"
	for _, test := range []struct {
		name, source, id string
		size             int // 0: there is no key
	}{
		{"a UUID is short", "production", uuid, 1 + 10 + 1 + 1 + 16},
		{"in capitals it is a text", "production", strings.ToUpper(uuid), 1 + 10 + 1 + 1 + 36},
		{"a dash too many", "", "1d2c6d5-e2b4d-4f0c-8c3b-54bb9a1e3a10", 1 + 1 + 1 + 36},
		{"a dash for a digit", "", "1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a1-", 1 + 1 + 1 + 36},
		{"any text", "a", "car 7/ä", 1 + 1 + 1 + 1 + 8},
		{"16 bytes that look like a short UUID", "a", "0123456789abcdef", 1 + 1 + 1 + 1 + 16},
		{"no vehicle", "a", "", 0},
		{"an id without end", "a", strings.Repeat("x", maxID+1), 0},
		{"a source without end", strings.Repeat("x", maxSource+1), uuid, 0},
		{"a source with a 0", "a\x00b", uuid, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, ok := appendKey(nil, test.source, test.id)
			if ok != (test.size > 0) {
				t.Fatalf("ok = %t", ok)
			}
			if !ok {
				return
			}
			if len(key) != test.size {
				t.Errorf("%d bytes, want %d", len(key), test.size)
			}
			source, id, ok := parseKey(key)
			if !ok || source != test.source || id != test.id {
				t.Errorf("read back: %q %q %t", source, id, ok)
			}
			from, to := sourceKeys(test.source)
			if bytes.Compare(key, from) < 0 || bytes.Compare(key, to) >= 0 {
				t.Error("the key is not among those of its source")
			}
		})
	}
}

func FuzzKey(f *testing.F) {
	f.Add("production", "1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10", []byte("vproduction\x00ucar"))
	f.Fuzz(func(t *testing.T, source, id string, key []byte) {
		_, _, _ = parseKey(key)
		key, ok := appendKey(nil, source, id)
		if !ok {
			return
		}
		if s, i, ok := parseKey(key); !ok || s != source || i != id {
			t.Fatalf("%q %q became %q %q %t", source, id, s, i, ok)
		}
	})
}
