package disk

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestLetterIDSortsAsItsKey(t *testing.T) {
	var ids []letterID
	for _, diedAt := range []uint64{0, 1, 255, 256, 1 << 60, math.MaxUint64} {
		for _, position := range []uint64{0, 1, 1 << 33, math.MaxUint64} {
			for _, handler := range []string{"", "\x00", "a", "aa", "ab", "b", "\xff", strings.Repeat("x", maxName)} {
				ids = append(ids, letterID{diedAt, position, handler})
			}
		}
	}
	slices.SortFunc(ids, func(a, b letterID) int { return bytes.Compare(a.key(), b.key()) })
	for i, id := range ids {
		got, err := parseLetterID(id.text())
		if err != nil || got != id {
			t.Fatalf("%+v comes back as %+v, %v", id, got, err)
		}
		if i > 0 && ids[i-1].text() >= id.text() {
			t.Fatalf("%q sorts before %q", id.text(), ids[i-1].text())
		}
	}
}

// letterTime lies between what died before and what died then or later.
func TestDeadLettersSince(t *testing.T) {
	at := time.Unix(1700000000, 0)
	ns := uint64(at.UnixNano())
	mark := letterTime(at)
	if before, then := (letterID{ns - 1, math.MaxUint64, "z"}).text(), (letterID{ns, 0, "a"}).text(); before >= mark || mark >= then {
		t.Errorf("%q, %q, %q do not sort", before, mark, then)
	}
	if _, err := parseLetterID(mark); err != nil {
		t.Error(err)
	}
}

// FuzzLetterID takes any text: it is an id, the same in both forms, or ErrNotFound.
func FuzzLetterID(f *testing.F) {
	f.Add(string(letterID{1, 2, "h"}.text()))
	f.Add(strings.ToUpper(string(letterID{math.MaxUint64, 1, "h"}.text())))
	f.Add("0000000000000000000000000\n0")
	f.Add("00000000000000000000000001")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseLetterID(buffer.DeadLetterID(text))
		if err != nil {
			if !errors.Is(err, buffer.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound", err)
			}
			return
		}
		if again := string(id.text()); again != text {
			t.Fatalf("%q and %q are the same id", text, again)
		}
		if k, ok := parseLetterKey(id.key()); !ok || k != id {
			t.Fatalf("%+v has a key that is %+v", id, k)
		}
	})
}
