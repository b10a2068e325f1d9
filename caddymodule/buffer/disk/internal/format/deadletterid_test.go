package format

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

func TestDeadLetterIDSortsAsItsKey(t *testing.T) {
	var ids []DeadLetterID
	for _, diedAt := range []uint64{0, 1, 255, 256, 1 << 60, math.MaxUint64} {
		for _, position := range []uint64{0, 1, 1 << 33, math.MaxUint64} {
			for _, handler := range []string{"", "\x00", "a", "aa", "ab", "b", "\xff", strings.Repeat("x", MaxName)} {
				ids = append(ids, DeadLetterID{diedAt, position, handler})
			}
		}
	}
	slices.SortFunc(ids, func(a, b DeadLetterID) int { return bytes.Compare(a.Key(), b.Key()) })
	for i, id := range ids {
		got, err := ParseDeadLetterID(id.Text())
		if err != nil || got != id {
			t.Fatalf("%+v comes back as %+v, %v", id, got, err)
		}
		if i > 0 && ids[i-1].Text() >= id.Text() {
			t.Fatalf("%q sorts before %q", id.Text(), ids[i-1].Text())
		}
	}
}

// letterTime lies between what died before and what died then or later.
func TestDeadLettersSince(t *testing.T) {
	at := time.Unix(1700000000, 0)
	ns := uint64(at.UnixNano())
	mark := DeadLettersSince(at)
	if before, then := (DeadLetterID{ns - 1, math.MaxUint64, "z"}).Text(), (DeadLetterID{ns, 0, "a"}).Text(); before >= mark || mark >= then {
		t.Errorf("%q, %q, %q do not sort", before, mark, then)
	}
	if _, err := ParseDeadLetterID(mark); err != nil {
		t.Error(err)
	}
}

// FuzzLetterID takes any text: it is an id, the same in both forms, or ErrNotFound.
func FuzzDeadLetterID(f *testing.F) {
	f.Add(string(DeadLetterID{1, 2, "h"}.Text()))
	f.Add(strings.ToUpper(string(DeadLetterID{math.MaxUint64, 1, "h"}.Text())))
	f.Add("0000000000000000000000000\n0")
	f.Add("00000000000000000000000001")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseDeadLetterID(buffer.DeadLetterID(text))
		if err != nil {
			if !errors.Is(err, buffer.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound", err)
			}
			return
		}
		if again := string(id.Text()); again != text {
			t.Fatalf("%q and %q are the same id", text, again)
		}
		if k, ok := ParseDeadLetterKey(id.Key()); !ok || k != id {
			t.Fatalf("%+v has a key that is %+v", id, k)
		}
	})
}
