package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const sixDays = 6 * 24 * time.Hour

// ageWorld is what a receiver with max_age asks.
type ageWorld struct {
	now   time.Time
	jump  time.Duration
	known bool
	err   error
	// asked counts questions to the buffer.
	asked int
}

func (w *ageWorld) Knows(_ context.Context, source, id string) (bool, error) {
	w.asked++
	if source != "test" || id != "e-1" {
		return false, fmt.Errorf("asked about %s of %s", id, source)
	}
	return w.known, w.err
}

func (w *ageWorld) ClockJump() buffer.ClockJump {
	w.asked++
	return buffer.ClockJump{By: w.jump}
}

func newAgeReceiver(t *testing.T, mode string, change func(*ageWorld)) (*Receiver, *ageWorld, *LogText, *int) {
	t.Helper()
	appended := new(int)
	rc, log := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
		*appended++
		return buffer.Receipt{Position: 1}, nil
	}, func(rc *Receiver) { rc.MaxAge = &MaxAge{Mode: mode, Limit: caddy.Duration(sixDays)} })
	world := &ageWorld{now: noon}
	change(world)
	rc.age = &ageLimit{
		limit: sixDays, refuses: rc.MaxAge.refuses(), events: world,
		now: func() time.Time { return world.now }, begun: noon.Add(-clockSettles),
	}
	return rc, world, log, appended
}

// dated is an event with what stands behind deliveredAt.
func dated(deliveredAt string) string {
	return `{"eventId":"e-1","eventType":"VEHICLE_STATE","data":{"user":{"id":"user-secret-1"}},` +
		`"meta":{"mode":"LIVE","deliveryId":"d-1"` + deliveredAt + `}}`
}

func millis(at time.Time) string { return fmt.Sprintf(`,"deliveredAt":%d`, at.UnixMilli()) }

func isoDate(at time.Time) string { return `,"deliveredAt":"` + at.Format(time.RFC3339Nano) + `"` }

func TestAgeOfDeliveries(t *testing.T) {
	old := noon.Add(-sixDays - time.Millisecond)
	tooOld, unjudged := api.DeliveryAges{TooOld: 1}, api.DeliveryAges{Unjudged: 1}
	for name, tc := range map[string]struct {
		sent    string
		change  func(*ageWorld)
		want    api.DeliveryAges
		refused bool // in the mode refuse
	}{
		"now":                           {sent: millis(noon)},
		"just young enough":             {sent: millis(noon.Add(-sixDays))},
		"just too old":                  {millis(old), nil, tooOld, true},
		"just too old, as a date":       {isoDate(old), nil, tooOld, true},
		"in another zone":               {isoDate(old.In(time.FixedZone("", -7*3600))), nil, tooOld, true},
		"as a text of digits":           {fmt.Sprintf(`,"deliveredAt":"%d"`, old.UnixMilli()), nil, tooOld, true},
		"of September 2025":             {fmt.Sprintf(`,"deliveryTime":%d`, old.UnixMilli()), nil, tooOld, true},
		"years ago":                     {millis(noon.AddDate(-9, 0, 0)), nil, tooOld, true},
		"its event is stored":           {millis(old), func(w *ageWorld) { w.known = true }, tooOld, false},
		"the buffer cannot tell":        {millis(old), func(w *ageWorld) { w.err = errors.New("the disk hangs") }, tooOld, false},
		"the clock has jumped ahead":    {millis(old), func(w *ageWorld) { w.jump = 8 * 24 * time.Hour }, unjudged, false},
		"the clock has jumped back":     {millis(old), func(w *ageWorld) { w.jump = -time.Hour }, unjudged, false},
		"just started":                  {millis(old.Add(-time.Second)), func(w *ageWorld) { w.now = noon.Add(-1) }, unjudged, false},
		"just settled":                  {millis(old), func(w *ageWorld) { w.now = noon }, tooOld, true},
		"young with a clock that jumps": {millis(noon), func(w *ageWorld) { w.jump = time.Hour }, api.DeliveryAges{}, false},
		"a little ahead":                {sent: millis(noon.Add(clockSkew))},
		"from the future":               {millis(noon.Add(clockSkew + time.Millisecond)), nil, api.DeliveryAges{Future: 1}, false},
		"from far in the future":        {isoDate(noon.AddDate(30, 0, 0)), nil, api.DeliveryAges{Future: 1}, false},
		"missing":                       {"", nil, api.DeliveryAges{Missing: 1}, false},
		"null":                          {`,"deliveredAt":null`, nil, api.DeliveryAges{Missing: 1}, false},
		"in seconds":                    {fmt.Sprintf(`,"deliveredAt":%d`, old.Unix()), nil, api.DeliveryAges{Missing: 1}, false},
		"just too small to be judged":   {`,"deliveredAt":99999999999`, nil, api.DeliveryAges{Missing: 1}, false},
		"unreadable":                    {`,"deliveredAt":"yesterday"`, nil, api.DeliveryAges{Missing: 1}, false},
	} {
		for _, mode := range []string{maxAgeWarn, maxAgeRefuse} {
			t.Run(name+", "+mode, func(t *testing.T) {
				change := tc.change
				if change == nil {
					change = func(*ageWorld) {}
				}
				rc, _, log, appended := newAgeReceiver(t, mode, change)
				w, repl := serve(t, rc, request(dated(tc.sent), tokenA))
				status, outcome := http.StatusOK, "stored"
				if tc.refused && mode == maxAgeRefuse {
					status, outcome = http.StatusUnauthorized, "refused:delivery_too_old"
				}
				if w.Code != status || placeholder(repl, "outcome") != outcome || (*appended == 1) != (status == http.StatusOK) {
					t.Errorf("%d %s, outcome %s, %d appended", w.Code, w.Body, placeholder(repl, "outcome"), *appended)
				}
				if diff := cmp.Diff(tc.want, rc.counts.Snapshot().Ages); diff != "" {
					t.Error(diff)
				}
				isLoud := tc.want != (api.DeliveryAges{}) && tc.want.Missing == 0
				if warned := strings.Contains(log.String(), `"level":"WARN"`); warned != isLoud {
					t.Errorf("log %s", log)
				}
			})
		}
	}
}

// A refusal says why, is no pending delivery, and may be found to be that of every event.
func TestRefusedForItsAge(t *testing.T) {
	rc, _, log, _ := newAgeReceiver(t, maxAgeRefuse, func(*ageWorld) {})
	w, repl := serve(t, rc, request(dated(millis(noon.Add(-7*24*time.Hour))), tokenB))
	if !strings.Contains(w.Body.String(), `"error":"delivery_too_old"`) || placeholder(repl, "event_id") != "e-1" {
		t.Errorf("%s, event %s", w.Body, placeholder(repl, "event_id"))
	}
	for _, want := range []string{`"event":"webhook.too_old"`, `"code":"delivery_too_old"`, `"event_id":"e-1"`, `"delivery_id":"d-1"`, `"check":`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log)
		}
	}
	if strings.Contains(log.String(), "user-secret-1") {
		t.Errorf("log %s", log)
	}
	if loss := rc.counts.Loss.Loss(); loss.Pending != 0 || loss.Unverified != 0 {
		t.Errorf("%+v", loss)
	}
	if refused := rc.counts.Refusals(); refused.All != 1 || refused.By["delivery_too_old"] != 1 {
		t.Errorf("%+v", refused)
	}
	if got := rc.counts.Snapshot().Matches["2"]; got != 1 {
		t.Errorf("token 2 matched %d times", got)
	}
}

// What nobody signed is not judged, and neither is a VERIFY; what is young costs no question to the buffer.
func TestWhatHasNoAge(t *testing.T) {
	old := millis(noon.AddDate(-1, 0, 0))
	for name, tc := range map[string]struct {
		r    *http.Request
		want int
	}{
		"another token": {request(dated(old), "another token of 16 and more"), http.StatusUnauthorized},
		"a VERIFY": {request(strings.Replace(dated(old), `"VEHICLE_STATE","data":{`,
			`"VERIFY","data":{"challenge":"Qx7mT2vLp9Rk4ZsA",`, 1), tokenA), http.StatusOK},
		"young": {request(dated(millis(noon)), tokenA), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			rc, world, _, _ := newAgeReceiver(t, maxAgeRefuse, func(*ageWorld) {})
			w, _ := serve(t, rc, tc.r)
			if w.Code != tc.want || strings.Contains(w.Body.String(), "delivery_too_old") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if got := rc.counts.Snapshot().Ages; got != (api.DeliveryAges{}) || world.asked != 0 {
				t.Errorf("%+v, %d questions", got, world.asked)
			}
		})
	}
}

// A flood of old deliveries is no flood of lines.
func TestAgeLinesAreLimited(t *testing.T) {
	rc, _, log, _ := newAgeReceiver(t, maxAgeWarn, func(*ageWorld) {})
	for range 100 {
		serve(t, rc, request(dated(millis(noon.AddDate(-1, 0, 0))), tokenA))
	}
	if n := strings.Count(log.String(), "webhook.too_old"); n == 0 || n > 20 {
		t.Errorf("%d lines", n)
	}
	if got := rc.counts.Snapshot().Ages.TooOld; got != 100 {
		t.Errorf("%d counted", got)
	}
}
