package buffertest

import (
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// die makes n dead letters, a second apart.
func (f *fixture) die(n int) []buffer.DeadLetter {
	f.t.Helper()
	f.appendN(n)
	c := f.consumer("handler/with signs ✗")
	for _, l := range f.lease(c, n) {
		f.settle(c, buffer.Outcome{Position: l.Event.Position, Verb: buffer.Dead, Reason: buffer.ReasonExpired})
		f.clock.Advance(time.Second)
	}
	return f.letters()
}

// lastError reads a list to its end and returns the error of its last item.
func lastError[T any](list iter.Seq2[T, error]) error {
	var last error
	for _, err := range list {
		last = err
	}
	return last
}

func testLetterPages(t *testing.T, f *fixture) {
	letters := f.die(75)
	f.crash()
	var got []buffer.DeadLetter
	for after, more := buffer.DeadLetterID(""), true; more; {
		more = false
		n := 0
		for d, err := range f.DeadLetters(f.ctx, after) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, d)
			after = d.ID
			if n++; n == 10 {
				more = true
				break
			}
		}
	}
	f.equal("letters", letters, got)
	for _, l := range letters {
		if s := string(l.ID); url.PathEscape(s) != s || url.QueryEscape(s) != s {
			t.Fatalf("id %q is not safe in a URL", s)
		}
	}
	// One that is gone is a place all the same.
	if _, err := f.DropDeadLetters(f.ctx, letters[3].ID); err != nil {
		t.Fatal(err)
	}
	for d, err := range f.DeadLetters(f.ctx, letters[3].ID) {
		if err != nil || d.ID != letters[4].ID {
			t.Fatalf("got %q, %v; want %q", d.ID, err, letters[4].ID)
		}
		break
	}
	for d, err := range f.DeadLetters(f.ctx, letters[74].ID) {
		t.Fatalf("got %q behind the last, %v", d.ID, err)
	}
}

// The ids of dead letters are in the order of death, and a time lies between them.
func testLettersSince(t *testing.T, f *fixture) {
	letters := f.die(5)
	for _, test := range []struct {
		since time.Time
		want  []buffer.DeadLetter
	}{
		{letters[0].DiedAt.Add(-time.Hour), letters},
		{letters[2].DiedAt, letters[2:]},
		{letters[2].DiedAt.Add(time.Nanosecond), letters[3:]},
		{letters[4].DiedAt.Add(time.Hour), nil},
		{time.Time{}, letters},
	} {
		id := f.DeadLettersSince(test.since)
		if _, err := f.DeadLetter(f.ctx, id); !errors.Is(err, buffer.ErrNotFound) {
			t.Errorf("a dead letter has the id of %s: %v", test.since, err)
		}
		var got []buffer.DeadLetter
		for d, err := range f.DeadLetters(f.ctx, id) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, d)
		}
		f.equal("letters since "+test.since.String(), test.want, got)
	}
}

func testLetterDrop(t *testing.T, f *fixture) {
	letters := f.die(6)
	before := f.Stats().Bytes
	drop := func(want int, ids ...buffer.DeadLetterID) {
		t.Helper()
		if n, err := f.DropDeadLetters(f.ctx, ids...); err != nil || n != want {
			t.Fatalf("dropped %d, %v; want %d", n, err, want)
		}
	}
	drop(2, letters[0].ID, letters[4].ID)
	drop(1, letters[0].ID, letters[1].ID, letters[1].ID)
	drop(0)
	check := func(when string) {
		t.Helper()
		f.equal("letters "+when, []buffer.DeadLetter{letters[2], letters[3], letters[5]}, f.letters())
		s := f.Stats()
		if s.DeadLetters != 3 || s.Bytes >= before {
			t.Fatalf("%s: got stats %+v, before they had %d bytes", when, s, before)
		}
	}
	check("at once")
	bytes := f.Stats().Bytes
	f.crash()
	check("after a crash")
	if got := f.Stats().Bytes; got != bytes {
		t.Fatalf("%d bytes after a crash, before they were %d", got, bytes)
	}
	if _, err := f.DeadLetter(f.ctx, letters[0].ID); !errors.Is(err, buffer.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
}

// What dies while somebody reads the letters there are is behind their end, on a clock that stands still as well.
func testLettersEnd(t *testing.T, f *fixture) {
	if l := f.letters(); len(l) > 0 || f.DeadLettersEnd() == "" {
		t.Fatalf("want no letters, and an end all the same: %d", len(l))
	}
	before := f.die(3)
	end := f.DeadLettersEnd()
	for _, l := range before {
		if l.ID >= end {
			t.Errorf("letter %q is not before the end %q", l.ID, end)
		}
	}
	c := f.consumer("later")
	f.append("another")
	for _, l := range f.lease(c, 1) {
		f.settle(c, buffer.Outcome{Position: l.Event.Position, Verb: buffer.Dead, Reason: buffer.ReasonExpired})
	}
	all := f.letters()
	if len(all) != 4 || all[3].ID < end {
		t.Errorf("of %d letters the last is before the end", len(all))
	}
	if _, err := f.DeadLetter(f.ctx, end); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("the end names a letter: %v", err)
	}
}

func testLetterBadID(t *testing.T, f *fixture) {
	letters := f.die(1)
	good := string(letters[0].ID)
	for _, id := range []string{"nonsense", "../../etc/passwd", " ", "\x00", strings.ToUpper(good) + "!", good + "=", good + " ", good[:len(good)-1], good[:8],
		strings.Repeat("0", 100000), fmt.Sprint(good, good)} {
		_, oneErr := f.DeadLetter(f.ctx, buffer.DeadLetterID(id))
		_, dropErr := f.DropDeadLetters(f.ctx, letters[0].ID, buffer.DeadLetterID(id))
		var listErr error
		if id != "" {
			listErr = lastError(f.DeadLetters(f.ctx, buffer.DeadLetterID(id)))
		}
		for what, err := range map[string]error{"DeadLetter": oneErr, "DropDeadLetters": dropErr, "DeadLetters": listErr} {
			if !errors.Is(err, buffer.ErrNotFound) {
				t.Errorf("%s of %.40q: got %v, want ErrNotFound", what, id, err)
			}
		}
	}
	if _, err := f.DeadLetter(f.ctx, letters[0].ID); err != nil {
		t.Fatal(err)
	}
}
