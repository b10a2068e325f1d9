package buffertest

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// AliveStorage is a Storage whose buffer is a buffer.AliveNoter.
type AliveStorage interface {
	Storage
	// LastAlive is that of a buffer.AliveReader for the storage.
	LastAlive() (time.Time, error)
}

func testAlive(t *testing.T, f *fixture) {
	storage, ok := f.storage.(AliveStorage)
	if !ok {
		t.Skip("this buffer keeps no note of when it could take events")
	}
	last := func() time.Time {
		t.Helper()
		at, err := storage.LastAlive()
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	note := func(at time.Time) {
		t.Helper()
		if err := f.Buffer.(buffer.AliveNoter).NoteAlive(at); err != nil {
			t.Fatal(err)
		}
	}
	f.equal("before the first note", time.Time{}, last())
	first := f.clock.Now()
	note(first)
	f.equal("the note", first, last())
	f.reopen()
	f.equal("after a reopen", first, last())
	second := first.Add(5 * time.Second)
	note(second)
	f.crash()
	if at := last(); !at.IsZero() && !at.Equal(first) && !at.Equal(second) {
		t.Errorf("after a crash it is %v, which was never noted", at)
	}
	note(time.Time{})
	if at, err := storage.LastAlive(); err == nil {
		t.Errorf("%v, with a clock that is not believed", at)
	}
}
