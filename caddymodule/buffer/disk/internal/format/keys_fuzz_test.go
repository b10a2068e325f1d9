package format

import (
	"bytes"
	"testing"
)

// FuzzDeferredKey takes any bytes for the end of a key: they are refused, or are exactly
// the key of what was read.
func FuzzDeferredKey(f *testing.F) {
	skip := len(NamePrefix(KindDeferred, "h"))
	f.Add(DeferredKey("h", "vehicle", 7)[skip:])
	f.Add(DeferredKey("h", "", 1<<63)[skip:])
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, rest []byte) {
		lane, position, ok := SplitDeferredKey(rest)
		if ok && !bytes.Equal(DeferredKey("h", lane, position)[skip:], rest) {
			t.Fatalf("%x was read as lane %q, position %d", rest, lane, position)
		}
		if end := After(rest); end != nil && bytes.Compare(end, rest) <= 0 {
			t.Fatalf("%x is not behind %x", end, rest)
		}
	})
}

// FuzzDedupeKey: two different pairs never have the bytes of one key between them.
func FuzzDedupeKey(f *testing.F) {
	f.Add("a", "bc", "ab", "c")
	f.Add("", "x", "x", "")
	f.Fuzz(func(t *testing.T, source, id, source2, id2 string) {
		same := MakeDedupeKey(source, id) == MakeDedupeKey(source2, id2)
		if same != (source == source2 && id == id2) {
			t.Fatalf("%q %q and %q %q", source, id, source2, id2)
		}
	})
}
