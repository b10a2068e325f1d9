package quarantine

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	h := header{
		Source: "production", Stamp: 7, ReceivedAt: noon.Add(time.Nanosecond), Code: CodeMismatch, Signature: strings.Repeat("a", 64),
		ContentType: "application/json", Network: smartcars, EventID: "e", Mode: "LIVE", Key: "k", Size: 9,
	}
	body := []byte("{\n\x00\"ö\"}")
	h.Size = len(body)
	file, err := encode(&h, body)
	if err != nil {
		t.Fatal(err)
	}
	got, kept, err := decode(file)
	if err != nil || got != h || !bytes.Equal(kept, body) {
		t.Fatalf("%v: %+v, %q", err, got, kept)
	}
	for i := range file {
		other := bytes.Clone(file)
		other[i] ^= 0x10
		if _, _, err := decode(other); err == nil {
			t.Errorf("byte %d is another one", i)
		}
		if _, _, err := decode(file[:i]); !errors.Is(err, errDamaged) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestPlainType(t *testing.T) {
	const plain = "application/json"
	for value, want := range map[string]string{
		plain: plain, "Application/JSON; charset=utf-8": "Application/JSON; charset=utf-8", "": plain,
		"application/json; x=\xff": plain, "application/json; x=" + strings.Repeat("y", 300): plain,
	} {
		if got := plainType(value); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestIDs(t *testing.T) {
	early, late := newID(noon.UnixNano()), newID(noon.Add(time.Hour).UnixNano())
	other := newID(noon.UnixNano())
	if !isID(early) || early >= late || early == other {
		t.Errorf("%s, %s, %s", early, late, other)
	}
	for _, id := range []string{"", "x", "../../../../etc/passwd", early + "0", strings.ToUpper("abcdefabcdef-abcdef01"), "0123456789ab_01234567"} {
		if isID(id) {
			t.Errorf("%q is an id", id)
		}
	}
}

// Whatever a file holds, it is read as it was written or not at all.
func FuzzDecode(f *testing.F) {
	h := header{Source: "s", Stamp: 1, Size: 2}
	file, err := encode(&h, []byte("{}"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte("smartcar-quarantine 1 00000000 2\n{}"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		h, body, err := decode(file)
		if err != nil {
			if !errors.Is(err, errDamaged) && !errors.Is(err, errLater) {
				t.Errorf("%v", err)
			}
			return
		}
		if h.Size != len(body) || !bytes.HasSuffix(file, body) || h.Source == "" {
			t.Errorf("%+v, %q", h, body)
		}
		if head := file[:min(len(file), headRead)]; len(file)-len(body) <= headRead {
			if again, _, _, err := decodeHead(head, int64(len(file))); err != nil || again != h {
				t.Errorf("the head alone: %v", err)
			}
		}
	})
}
