package receiver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// diskEvents asks a real buffer as the engine does.
type diskEvents struct{ b *disk.Buffer }

func (d diskEvents) Knows(ctx context.Context, source, id string) (bool, error) {
	_, err := d.b.Lookup(ctx, source, id)
	if errors.Is(err, buffer.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (d diskEvents) ClockJump() buffer.ClockJump { return d.b.Stats().ClockJump }

// A recorded delivery is found by its id for as long as the buffer remembers that, and by its age after that. Smartcar's
// own attempts, each with a new time, pass.
func TestRecordedDeliverySentAgain(t *testing.T) {
	const day = 24 * time.Hour
	sent := noon.Add(-time.Second)
	recorded := dated(millis(sent))
	for name, tc := range map[string]struct {
		mode string
		// after is when it is sent again, jump by how much the clock is set ahead before.
		after, jump time.Duration
		body        string
		want        string
	}{
		"at once":                                 {maxAgeRefuse, time.Second, 0, recorded, answerDuplicate},
		"young and known":                         {maxAgeRefuse, 5 * day, 0, recorded, answerDuplicate},
		"too old and known":                       {maxAgeRefuse, 6*day + time.Hour, 0, recorded, answerDuplicate},
		"too old and forgotten":                   {maxAgeRefuse, 8 * day, 0, recorded, refuseTooOld.body()},
		"too old and forgotten, with a warning":   {maxAgeWarn, 8 * day, 0, recorded, answerStored},
		"too old and forgotten, and it is off":    {maxAgeOff, 8 * day, 0, recorded, answerStored},
		"too old by a clock that was set":         {maxAgeRefuse, time.Hour, 8 * day, `{"eventId":"e-2",` + recorded[len(`{"eventId":"e-1",`):], answerStored},
		"a new attempt for an event of last week": {maxAgeRefuse, 8 * day, 0, dated(millis(noon.Add(8 * day))), answerStored},
	} {
		t.Run(name, func(t *testing.T) {
			passed, jump := time.Duration(0), time.Duration(0)
			wall := func() time.Time { return noon.Add(passed + jump) }
			b, err := disk.Open(t.Context(), disk.Options{
				Path: "buffer", FS: vfs.NewMem(), Clock: wall, Elapsed: func() time.Duration { return passed },
				Limits: disk.Limits{DedupeWindow: 7 * day, Headroom: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			rc, _ := newReceiver(t, b.Append, func(rc *Receiver) {
				rc.MaxAge = &MaxAge{Mode: tc.mode, Limit: caddy.Duration(sixDays)}
				if tc.mode == maxAgeOff {
					rc.MaxAge = nil
				}
			})
			if rc.MaxAge.on() {
				rc.age = &ageLimit{limit: sixDays, refuses: rc.MaxAge.refuses(), events: diskEvents{b}, now: wall, begun: noon}
			}
			if w, _ := serve(t, rc, request(recorded, tokenA)); w.Body.String() != answerStored {
				t.Fatalf("first %d %s", w.Code, w.Body)
			}
			passed, jump = tc.after, tc.jump
			w, _ := serve(t, rc, request(tc.body, tokenA))
			if w.Body.String() != tc.want {
				t.Errorf("%d %s, want %s", w.Code, w.Body, tc.want)
			}
			if isStored := b.Stats().Appended == 2; isStored != (tc.want == answerStored) {
				t.Errorf("%d are stored", b.Stats().Appended)
			}
		})
	}
}

// The least max_age refuses nothing that Smartcar has just sent, or tries for the last time, however far the clock is
// ahead: the buffer believes small jumps at once, and says so of large ones.
func TestLeastMaxAgeOutlastsSmallJumps(t *testing.T) {
	for jump := time.Duration(0); jump <= 20*time.Minute; jump += 30 * time.Second {
		ahead := time.Duration(0)
		wall := func() time.Time { return noon.Add(ahead) }
		b, err := disk.Open(t.Context(), disk.Options{
			Path: "buffer", FS: vfs.NewMem(), Clock: wall, Elapsed: func() time.Duration { return 0 },
			Limits: disk.Limits{DedupeWindow: 7 * 24 * time.Hour, Headroom: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		rc, _ := newReceiver(t, b.Append)
		rc.age = &ageLimit{limit: smallestMaxAge, refuses: true, events: diskEvents{b}, now: wall, begun: noon.Add(-time.Hour)}
		ahead = jump
		serve(t, rc, request(strings.Replace(dated(millis(noon)), "e-1", "e-0", 1), tokenA)) // with it a small jump is believed
		w, _ := serve(t, rc, request(dated(millis(noon.Add(-175*time.Second))), tokenA))
		if w.Body.String() != answerStored {
			t.Errorf("with a clock that is %s ahead: %d %s", jump, w.Code, w.Body)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What is off has no part in a request.
func TestMaxAgeOffJudgesNothing(t *testing.T) {
	for _, m := range []*MaxAge{nil, {}, {Mode: maxAgeOff}} {
		rc, log := newReceiver(t, stored, func(rc *Receiver) { rc.MaxAge = m })
		if m.on() || m.refuses() || rc.maxAge() != 0 {
			t.Errorf("%+v is on", m)
		}
		w, _ := serve(t, rc, request(dated(millis(noon.AddDate(-9, 0, 0))), tokenA))
		if w.Code != http.StatusOK || rc.counts.Snapshot().Ages.TooOld != 0 || log.String() != "" {
			t.Errorf("%d %s, log %s", w.Code, w.Body, log)
		}
	}
	rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.MaxAge = &MaxAge{Mode: maxAgeWarn, Limit: caddy.Duration(sixDays)} })
	if rc.maxAge() != sixDays || rc.MaxAge.refuses() {
		t.Errorf("%v, refuses %v", rc.maxAge(), rc.MaxAge.refuses())
	}
}
