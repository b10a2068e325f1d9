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
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// right are the tokens after the mistake was put right.
var right = ring{"production": rightToken}

// What verifies after the tokens have changed is released as it came, the oldest first; the rest stays.
func TestRelease(t *testing.T) {
	r := newRig(t, Settings{})
	first := r.keep(smartcars, 1000)
	forged := r.request("198.51.100.0/24", r.body(1000))
	forged.Signature = smartcar.Sign(wrongToken, forged.Body)
	r.Offer(forged)
	r.later(time.Second)
	broken := r.request(smartcars, []byte(`{"eventId":`))
	r.Offer(broken)
	r.later(time.Second)
	last := r.keep(smartcars, 2000)

	if got := r.release(false); got != (Released{Matched: 4, Unverified: 4}) {
		t.Errorf("with the wrong token: %+v", got)
	}
	r.Set(Settings{On: true}, right)
	if sum := r.Summary(); !sum.Checking || sum.Releasable != 0 {
		t.Errorf("%+v", sum)
	}
	r.later(time.Second)
	if sum := r.Summary(); sum.Checking || sum.Releasable != 3 {
		t.Errorf("%+v", sum)
	}
	if got := r.release(true); got != (Released{Matched: 4, Verified: 3, Unverified: 1, Unreadable: 1}) || len(r.buffer.events) != 0 {
		t.Errorf("dry run: %+v, %d events", got, len(r.buffer.events))
	}
	r.later(time.Hour)
	if got := r.release(false); got != (Released{Matched: 4, Verified: 3, Unverified: 1, Stored: 3, Unreadable: 1}) {
		t.Errorf("%+v", got)
	}
	for i, q := range []*Request{first, broken, last} {
		e := r.buffer.events[i]
		if !bytes.Equal(e.Body, q.Body) || e.Signature != q.Signature || e.Source != q.Source || !e.ReceivedAt.Equal(q.At) ||
			e.ContentType != q.ContentType || (e.Unreadable == "") == (i == 1) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if e := r.buffer.events[0]; e.ID != "00000000-0000-4000-8000-000000000001" || e.Type != "VEHICLE_STATE" || e.Mode != "LIVE" || e.Digest == 0 {
		t.Errorf("%+v", e)
	}
	if list := r.list(); len(list) != 1 || list[0].Token != 0 || list[0].Network != forged.Network {
		t.Errorf("%+v", list)
	}
	if got := r.release(false); got != (Released{Matched: 1, Unverified: 1}) || len(r.buffer.events) != 3 {
		t.Errorf("again: %+v", got)
	}
	for _, log := range []string{"secret", "xxxx", first.Signature, "eventId"} {
		if strings.Contains(r.log.String(), log) {
			t.Errorf("the log holds %s:\n%s", log, r.log)
		}
	}
}

func TestReleasePicks(t *testing.T) {
	r := newRig(t, Settings{})
	for range 4 {
		r.keep(smartcars, 1000)
	}
	other := r.request(smartcars, r.body(1000))
	other.Source = "test"
	r.Offer(other)
	r.later(time.Second)
	r.Set(Settings{On: true}, ring{"production": rightToken, "test": rightToken})
	list := r.list()
	for name, tc := range map[string]struct {
		pick Pick
		want int
	}{
		"all": {Pick{}, 5}, "a source": {Pick{Source: "test"}, 1}, "two": {Pick{IDs: []string{list[0].ID, list[2].ID}}, 2},
		"one twice": {Pick{IDs: []string{list[0].ID, list[0].ID}}, 1}, "none": {Pick{IDs: []string{"x"}}, 0},
		"of another source": {Pick{IDs: []string{list[0].ID}, Source: "test"}, 0},
	} {
		if got, err := r.Release(t.Context(), tc.pick, r.buffer, true); err != nil || got.Verified != tc.want {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	if n, gone, err := r.Remove(t.Context(), Pick{Source: "test"}, true); n != 1 || gone != 0 || err != nil {
		t.Errorf("%d, %d, %v", n, gone, err)
	}
	if n, gone, err := r.Remove(t.Context(), Pick{IDs: []string{list[0].ID, list[4].ID}}, false); n != 2 || gone != 2 || err != nil {
		t.Errorf("%d, %d, %v", n, gone, err)
	}
	if n, _ := r.files(); n != 3 {
		t.Errorf("%d files", n)
	}
}

func TestPages(t *testing.T) {
	r := newRig(t, Settings{})
	for range 5 {
		r.keep(smartcars, 100)
	}
	var got []string
	after, pages := "", 0
	for ; pages == 0 || after != ""; pages++ {
		list, next, err := r.List(t.Context(), Pick{}, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			got = append(got, k.EventID[35:])
		}
		after = next
	}
	if pages != 3 || strings.Join(got, "") != "12345" {
		t.Errorf("%d pages: %s", pages, got)
	}
}

// The answer to a challenge is a right signature of the challenge, and a VERIFY is none: neither becomes an event, even
// if a file of it is there.
func TestNoEventIsNeverReleased(t *testing.T) {
	r := newRig(t, Settings{})
	for i, body := range []string{"Qx7mT2vLp9Rk4ZsA", `{"eventId":"e","eventType":"VERIFY","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`} {
		h := header{
			Source: "production", Stamp: noon.UnixNano() + int64(i), ReceivedAt: noon, Signature: smartcar.Sign(rightToken, []byte(body)),
			Key: body, Size: len(body),
		}
		file, err := encode(&h, []byte(body))
		if err == nil {
			err = r.keepFile(&h, file, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r.Set(Settings{On: true}, right)
	if got := r.release(false); got != (Released{Matched: 2, Verified: 2, NoEvent: 2}) || len(r.buffer.events) != 0 {
		t.Errorf("%+v, %d events", got, len(r.buffer.events))
	}
	if n, _ := r.files(); n != 0 {
		t.Errorf("%d files", n)
	}
}

func (r *rig) keepFile(h *header, file []byte, body string) error {
	return r.Store.keep(h, file, []byte(body))
}

// Nothing is removed before its event is durable.
func TestBufferRefuses(t *testing.T) {
	r := newRig(t, Settings{})
	r.keep(smartcars, 1000)
	r.Set(Settings{On: true}, right)
	r.buffer.fail = buffer.ErrFull
	if got, err := r.Release(t.Context(), Pick{}, r.buffer, false); !errors.Is(err, buffer.ErrFull) || got.Stored != 0 {
		t.Errorf("%v, %+v", err, got)
	}
	if n, _ := r.files(); n != 1 {
		t.Errorf("%d files", n)
	}
	r.buffer.fail = nil
	if got := r.release(false); got.Stored != 1 {
		t.Errorf("%+v", got)
	}
}

// What is older than the ids that the buffer remembers is not released: a lost removal would store it twice.
func TestTooOldIsNotReleased(t *testing.T) {
	r := newRig(t, Settings{})
	bad := &badFolder{folder: r.Store.files, removes: func(string) error { return errFull }}
	r.Store.files = bad
	r.keep(smartcars, 1000)
	r.Set(Settings{On: true}, right)
	r.buffer.now = r.buffer.now.Add(r.buffer.window + time.Minute)
	if got := r.release(false); got != (Released{Matched: 1, Gone: 1}) || len(r.buffer.events) != 0 {
		t.Errorf("%+v", got)
	}
}

// Over a real buffer: each event is stored once, however often and however many at once release it, and even if what
// was removed comes back, as after a kill or a power cut.
func TestOnce(t *testing.T) {
	const events = 40
	r := newRig(t, Settings{})
	for range events {
		r.keep(smartcars, 1000)
	}
	b, err := disk.Open(t.Context(), disk.Options{Path: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r.Set(Settings{On: true}, right)
	saved := saveFiles(t, filepath.Join(r.dir, Folder))
	removals := 0
	var mu sync.Mutex
	whole := r.Store.files
	r.Store.files = &badFolder{folder: whole, removes: func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		if removals++; removals%7 == 0 {
			return errFull // as if it were killed here
		}
		return whole.remove(name)
	}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				_, _ = r.Release(context.Background(), Pick{}, b, false)
			}
		})
	}
	wg.Wait()
	if n, _ := r.files(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	saved(t)
	r.open(Settings{})
	r.Set(Settings{On: true}, right)
	got, err := r.Release(t.Context(), Pick{}, b, false)
	if err != nil || got.Duplicates != events || got.Stored != 0 {
		t.Errorf("what came back: %v, %+v", err, got)
	}
	if last := b.Stats().Last; last != events {
		t.Errorf("%d are stored, want %d", last, events)
	}
}

// saveFiles returns a function that puts a folder's files back.
func saveFiles(t *testing.T, dir string) func(*testing.T) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if all[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return func(t *testing.T) {
		for name, data := range all {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A release, a flood and a change of tokens side by side.
func TestSideBySide(t *testing.T) {
	r := newRig(t, Settings{})
	s := New(r.dir, slog.New(slog.DiscardHandler))
	s.Set(Settings{On: true, MaxCount: 50}, right)
	s.Opened(r.buffer)
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			for i := range 200 {
				body := fmt.Appendf(nil, `{"eventId":"%d-%d"}`, n, i)
				s.Offer(r.request("a", body))
				if i%40 == 0 {
					s.Set(Settings{On: true, MaxCount: 50}, right)
				}
				_ = s.Summary()
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_, _ = s.Release(context.Background(), Pick{}, r.buffer, false)
			_, _, _ = s.List(context.Background(), Pick{}, "", 100)
			_, _, _ = s.Remove(context.Background(), Pick{IDs: []string{"x"}}, false)
		}
	})
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
