package quarantine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatIsKept(t *testing.T) {
	big := bytes.Repeat([]byte{'x'}, longestBody+1)
	verify := []byte(`{"eventId":"e","eventType":"VERIFY","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`)
	for name, tc := range map[string]struct {
		body   []byte
		change func(q *Request)
		want   int
		why    Reason
	}{
		"an event":              {[]byte(`{"eventId":"e","eventType":"VEHICLE_STATE"}`), nil, 1, 0},
		"no JSON":               {[]byte(`{"eventId":`), nil, 1, 0},
		"the largest":           {big[:longestBody], nil, 1, 0},
		"too large":             {big, nil, 0, TooLarge},
		"a VERIFY":              {verify, nil, 0, NoEvent},
		"it may be a challenge": {[]byte("Qx7mT2vLp9Rk4ZsA"), nil, 0, NoEvent},
		"another refusal":       {[]byte(`{}`), func(q *Request) { q.Code = "signature_missing" }, 0, reasons},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Settings{})
			q := r.request(smartcars, tc.body)
			if tc.change != nil {
				tc.change(q)
			}
			r.Offer(q)
			r.later(time.Second)
			list := r.list()
			if len(list) != tc.want {
				t.Fatalf("%d are kept, want %d", len(list), tc.want)
			}
			if tc.want == 0 {
				if tc.why != reasons && r.dropped(tc.why) != 1 {
					t.Errorf("dropped: %v", r.Summary().Dropped)
				}
				return
			}
			d, err := r.Show(t.Context(), list[0].ID)
			if err != nil || !bytes.Equal(d.Body, tc.body) || d.Signature != q.Signature || d.Size != len(tc.body) ||
				d.ContentType != q.ContentType || d.Source != q.Source || !d.ReceivedAt.Equal(q.At) || d.Code != q.Code {
				t.Errorf("%v: %+v", err, d.Kept)
			}
		})
	}
}

// Of the attempts for an event the first is kept. Nobody else can take its place.
func TestRepeats(t *testing.T) {
	r := newRig(t, Settings{})
	attempt := func(network, eventID, delivery, charge string) {
		r.Offer(r.request(network, fmt.Appendf(nil,
			`{"eventId":%q,"eventType":"VEHICLE_STATE","data":{"charge":%s},"meta":{"deliveryId":%q,"deliveredAt":%q}}`,
			eventID, charge, delivery, delivery)))
		r.later(time.Second)
	}
	const id = "00000000-0000-4000-8000-000000000001"
	attempt("198.51.100.0/24", id, "0", "50") // a stranger who knows all that will come
	attempt("198.51.100.0/24", id, "0", "99")
	attempt(smartcars, id, "1", "50")
	attempt(smartcars, id, "2", "50")
	attempt(smartcars, id, "3", "50")
	attempt(smartcars, "00000000-0000-4000-8000-000000000002", "4", "50")
	if got := r.kept(smartcars); got != 2 || r.dropped(Repeat) != 2 {
		t.Errorf("%d of Smartcar's are kept, %d are repeats", got, r.dropped(Repeat))
	}
	if got := r.kept("198.51.100.0/24"); got != 2 {
		t.Errorf("%d of the stranger's are kept", got)
	}
	// A restart knows them.
	r.open(Settings{})
	attempt(smartcars, id, "5", "50")
	if got := r.kept(smartcars); got != 2 {
		t.Errorf("after a restart: %d", got)
	}
}

func TestForItsOwnerOnly(t *testing.T) {
	r := newRig(t, Settings{})
	r.keep(smartcars, 1000)
	folder := filepath.Join(r.dir, Folder)
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
}

// Nothing is made as long as there is nothing to keep.
func TestNothingIsMade(t *testing.T) {
	r := newRig(t, Settings{})
	r.later(time.Hour)
	if _, err := os.Stat(filepath.Join(r.dir, Folder)); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
	none := New("", slog.New(slog.DiscardHandler))
	none.Set(Settings{On: true}, ring{})
	none.Offer(r.request(smartcars, r.body(100)))
	if _, _, err := none.List(t.Context(), Pick{}, "", 1); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
	var nobody *Store
	nobody.Offer(r.request(smartcars, r.body(100)))
}

// A start finds what was kept, removes what a crash has left, and passes over what is damaged.
func TestStart(t *testing.T) {
	r := newRig(t, Settings{})
	for range 6 {
		r.keep(smartcars, 1000)
	}
	before := r.list()
	path := func(i int) string { return filepath.Join(r.dir, Folder, fileName(before[i].ID)) }
	change := func(i int, by func([]byte) []byte) {
		t.Helper()
		data, err := os.ReadFile(path(i))
		if err == nil {
			err = os.WriteFile(path(i), by(data), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(0, func(b []byte) []byte { return b[:len(b)-1] })
	change(1, func([]byte) []byte { return nil })
	change(2, func(b []byte) []byte { return bytes.Replace(b, []byte(`"source"`), []byte(`"sourcf"`), 1) })
	change(3, func(b []byte) []byte { b[len(b)-5] ^= 1; return b })
	for _, name := range []string{"left" + temporary, "somebody's" + suffix, "README"} {
		if err := os.WriteFile(filepath.Join(r.dir, Folder, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.open(Settings{})
	if got := r.dropped(Damaged); got != 3 {
		t.Errorf("%d are damaged at the start", got)
	}
	if list := r.list(); len(list) != 2 || list[0] != before[4] || list[1] != before[5] {
		t.Errorf("%+v", list)
	}
	if got := r.dropped(Damaged); got != 4 {
		t.Errorf("%d are damaged when they are read", got)
	}
	if names, _ := filepath.Glob(filepath.Join(r.dir, Folder, "*")); len(names) != 4 {
		t.Errorf("%q", names)
	}
	if lines := strings.Count(r.log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines:\n%s", lines, r.log)
	}
}

// Where the disk is full, nothing else happens but a line in the log, and it goes on when there is room.
func TestFullDisk(t *testing.T) {
	r := newRig(t, Settings{})
	bad := &badFolder{folder: r.Store.files, write0: errFull}
	r.Store.files = bad
	for range 5 {
		r.keep(smartcars, 1000)
	}
	if sum := r.Summary(); sum.Kept != 0 || sum.Failing == nil || sum.Dropped[Disk] != 5 {
		t.Errorf("%+v", sum)
	}
	bad.write0 = nil
	r.keep(smartcars, 1000)
	if sum := r.Summary(); sum.Kept != 1 || sum.Failing != nil {
		t.Errorf("%+v", sum)
	}
	if lines := strings.Count(r.log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines:\n%s", lines, r.log)
	}
}

// It never takes the room that events need.
func TestRoomIsTheBuffers(t *testing.T) {
	r := newRig(t, Settings{})
	r.buffer.room = leastRoom - 1
	r.later(lookEvery)
	r.keep(smartcars, 1000)
	if sum := r.Summary(); sum.Kept != 0 || sum.Failing == nil || sum.Dropped[Disk] != 1 {
		t.Errorf("%+v", sum)
	}
	r.buffer.room = leastRoom + 1
	r.later(lookEvery)
	if sum := r.Summary(); sum.Failing != nil {
		t.Errorf("%+v", sum)
	}
	r.buffer.room = leastRoom + block
	r.later(lookEvery)
	r.keep(smartcars, 1000)
	if sum := r.Summary(); sum.Kept != 1 || sum.Failing != nil {
		t.Errorf("%+v", sum)
	}
}

// Not even what comes between two looks at the room, as fast as the disk can.
func TestRoomBetweenLooks(t *testing.T) {
	const most = 1 << 20
	r := newRig(t, Settings{MaxSize: 1 << 40, MaxRate: 1 << 30})
	r.buffer.room = leastRoom + most
	r.later(lookEvery)
	for range 40 {
		r.Offer(r.request(smartcars, r.body(100<<10)))
		r.pass(10 * time.Millisecond)
	}
	n, size := r.files()
	if size > most || size < most/2 || r.dropped(Disk) != uint64(40-n) || r.Summary().Failing == nil {
		t.Errorf("%d bytes were written, there was room for %d; %+v", size, most, r.Summary())
	}
	// What the buffer says next may not know yet of what was written.
	r.later(lookEvery)
	r.keep(smartcars, 100<<10)
	if again, _ := r.files(); again != n {
		t.Errorf("%d files more", again-n)
	}
	r.later(lookEvery)
	r.keep(smartcars, 100<<10)
	if again, _ := r.files(); again != n+1 {
		t.Errorf("%d files more, want 1", again-n)
	}
}

// What a later version has written, or what cannot be read just now, is left alone.
func TestFilesOfOthers(t *testing.T) {
	r := newRig(t, Settings{})
	for range 3 {
		r.keep(smartcars, 1000)
	}
	list := r.list()
	later := filepath.Join(r.dir, Folder, fileName(list[0].ID))
	data, err := os.ReadFile(later)
	if err == nil {
		data = bytes.Replace(data, []byte(magic+"1"), []byte(magic+"2"), 1)
		err = os.WriteFile(later, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Show(t.Context(), list[0].ID); !errors.Is(err, errLater) {
		t.Errorf("while it is in the index: %v", err)
	}
	r.open(Settings{})
	r.settle()
	if n, _ := r.files(); n != 3 || len(r.list()) != 2 || r.dropped(Damaged) != 0 {
		t.Errorf("%d files, %d in the list, %d damaged", n, len(r.list()), r.dropped(Damaged))
	}
	if !strings.Contains(r.log.String(), "left alone") {
		t.Errorf("the log says nothing:\n%s", r.log)
	}
}

// Whoever offers waits for nothing, even where the disk hangs for good, and memory stays bounded.
func TestOfferWaitsForNothing(t *testing.T) {
	r := newRig(t, Settings{})
	hang := make(chan struct{})
	s := New(r.dir, slog.New(slog.DiscardHandler))
	s.files = &badFolder{folder: s.files, hang: hang}
	s.Set(Settings{On: true}, ring{})
	s.Opened(r.buffer)
	<-s.ready
	for range 3000 {
		s.Offer(r.request(smartcars, r.body(4000)))
	}
	s.queue.mu.Lock()
	bytes, items := s.queue.bytes, s.queue.items
	s.queue.mu.Unlock()
	if bytes > queuedBytes || items > queuedItems || s.Summary().Dropped[Rate] < 2000 {
		t.Errorf("%d bytes of %d wait, %v", bytes, items, s.Summary().Dropped)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ended); err == nil {
		t.Error("Close did not say that the disk hangs")
	}
	close(hang)
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// What waits when Caddy ends is written, and the goroutine is gone.
func TestClose(t *testing.T) {
	r := newRig(t, Settings{})
	s := New(r.dir, slog.New(slog.DiscardHandler))
	s.Set(Settings{On: true, MaxRate: LeastRate}, ring{})
	s.Opened(r.buffer)
	for range 200 {
		s.Offer(r.request(smartcars, r.body(4000)))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := r.files(); n != 200 {
		t.Errorf("%d files", n)
	}
	s.Offer(r.request(smartcars, r.body(4000)))
	never := New(r.dir, slog.New(slog.DiscardHandler))
	if err := never.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
