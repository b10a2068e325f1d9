package integration

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// lossSite is a site whose deliveries a test sends again, as Smartcar does.
type lossSite struct {
	*site
	t *testing.T
}

// eventBody is one event, the same at each attempt.
func eventBody() []byte {
	return smartcar.Sample{
		EventID: uuid.NewString(), VehicleID: "car", DeliveryID: uuid.NewString(), RecordedAt: time.Now(), Mode: "LIVE",
	}.VehicleState()
}

func (s lossSite) attempt(body []byte, want int) {
	s.t.Helper()
	if status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body)); err != nil || status != want {
		s.t.Fatalf("answered %d, %v, want %d\n%s", status, err, want, s.log())
	}
}

// up starts Caddy and waits until its config is in force.
func (s lossSite) up() *process {
	s.t.Helper()
	p := s.start(s.t)
	waitFor(s.t, "the config is in force", 20*time.Second, func() bool {
		return s.askAdmin(s.t, http.MethodGet, "/smartcar/status", "").status == http.StatusOK
	})
	return p
}

// is waits until the status is as it should be.
func (s lossSite) is(what string, holds func(v *api.Status, l *api.Loss) bool) api.Status {
	s.t.Helper()
	var v api.Status
	waitFor(s.t, what, 20*time.Second, func() bool {
		v = api.Status{}
		s.get(s.t, "/smartcar/status", &v)
		return len(v.Sources) == 1 && holds(&v, &v.Sources[0].Loss)
	})
	return v
}

// metric is the value of one of this module's in Caddy's own registry.
func (s lossSite) metric(name string) float64 {
	s.t.Helper()
	answer := s.askAdmin(s.t, http.MethodGet, "/metrics", "")
	found := regexp.MustCompile(`(?m)^caddy_smartcar_` + name + `(?:\{.*\})? (\S+)$`).FindSubmatch(answer.body)
	if found == nil {
		s.t.Fatalf("%s is not among the metrics: %d %s", name, answer.status, answer.body)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return value
}

// downSince makes it seem, while Caddy is down, as if that were so for some time.
func (s lossSite) downSince(d time.Duration) {
	s.t.Helper()
	b, err := disk.Open(s.t.Context(), disk.Options{Path: s.buffer})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := b.NoteAlive(time.Now().Add(-d)); err != nil {
		s.t.Error(err)
	}
	if err := b.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s lossSite) limit(limits string) {
	s.t.Helper()
	s.limits = limits
	s.write(s.t, "Caddyfile", s.caddyfile("7d"))
}

func isOver(v *api.Status, _ *api.Loss) bool { return v.Downtime.State == api.DowntimeOver }

// attentionOf is the level of what needs attention and has these words, "" where nothing does.
func attentionOf(v *api.Status, words string) string {
	for _, a := range v.Attention {
		if strings.Contains(a.What, words) {
			return a.Level
		}
	}
	return ""
}

// A restart under load, on a disk that is full: the clock starts with what was there before, runs over a kill, and ends
// when there is room again; what comes again then is no loss.
func TestLossClockOverAKill(t *testing.T) {
	proof.SkipInShort(t, "it is about what is read from a disk")
	t.Parallel()
	s := lossSite{newSite(t), t}
	const room, noRoom = "headroom 1MiB", "headroom 4000TiB"
	s.limit(room)

	p := s.up()
	first := eventBody()
	s.attempt(first, http.StatusOK)
	s.is("all is well at the first start", func(v *api.Status, l *api.Loss) bool {
		return v.Downtime == api.Downtime{State: api.DowntimeNone} && *l == api.Loss{ClockSeconds: 175}
	})
	waitFor(t, "it is noted that events can be taken", 20*time.Second, func() bool {
		at, err := disk.LastAlive(nil, s.buffer)
		return err == nil && !at.IsZero()
	})
	p.kill(t)

	// A start right after a kill has a downtime, and loses nothing.
	p = s.up()
	v := s.is("the downtime is over", isOver)
	if d := v.Downtime; d.Seconds <= 0 || d.LostSeconds != 0 || !d.Until.After(d.Since) ||
		attentionOf(&v, "nothing could be received") != "" {
		t.Errorf("%+v, %+v", d, v.Attention)
	}
	if got := s.metric("downtime_seconds_total"); got != v.Downtime.Seconds {
		t.Errorf("the metric says %v, the status %+v", got, v.Downtime)
	}
	lasted := v.Downtime.Seconds
	if err := s.adminLoad(t.Context(), s.caddyfile("8d")); err != nil {
		t.Fatal(err)
	}
	s.is("a reload has none", func(v *api.Status, _ *api.Loss) bool { return v.Downtime.Seconds == lasted })
	p.kill(t)

	// The disk is full when Caddy comes back.
	s.downSince(time.Minute)
	s.limit(noRoom)
	p = s.up()
	second, third := eventBody(), eventBody()
	s.attempt(second, http.StatusServiceUnavailable)
	s.attempt(third, http.StatusServiceUnavailable)
	v = s.is("the clock runs", func(v *api.Status, l *api.Loss) bool {
		return v.Downtime.State == api.DowntimeOn && l.Pending == 2 && l.ClockSeconds <= 115 && l.ClockSeconds > 0
	})
	if attentionOf(&v, "have not come again") != api.LevelError ||
		attentionOf(&v, "until Smartcar gives up what it sent first") != api.LevelError {
		t.Errorf("%+v", v.Attention)
	}
	if out, code := s.run(t, "status"); code != 1 || !strings.Contains(out, "Loss clock ") {
		t.Errorf("status exits with %d:\n%s", code, out)
	}
	left := v.Sources[0].Loss.ClockSeconds
	p.kill(t)

	// What was refused is forgotten by the next process, but not since when.
	p = s.up()
	s.attempt(second, http.StatusServiceUnavailable)
	v = s.is("the clock runs on", func(v *api.Status, l *api.Loss) bool {
		return v.Downtime.State == api.DowntimeOn && l.Pending == 1 && l.ClockSeconds < left
	})
	if got := s.metric("loss_clock_seconds"); got > v.Sources[0].Loss.ClockSeconds || got <= 0 {
		t.Errorf("the metric says %v, the status %+v", got, v.Sources[0].Loss)
	}

	// There is room again, and Smartcar sends again.
	s.limit(room)
	if err := s.adminLoad(t.Context(), s.caddyfile("7d")); err != nil {
		t.Fatal(err)
	}
	s.is("the downtime is over", isOver)
	s.attempt(second, http.StatusOK)
	s.attempt(third, http.StatusOK)
	s.attempt(first, http.StatusOK)
	v = s.is("nothing is lost", func(_ *api.Status, l *api.Loss) bool {
		return *l == api.Loss{ClockSeconds: 175}
	})
	if d := v.Downtime; d.LostSeconds != 0 || d.Seconds < 60 || attentionOf(&v, "come again") != "" {
		t.Errorf("%+v, %+v", d, v.Attention)
	}

	// A clean stop and a late start.
	p.terminate(t)
	stopped, err := disk.LastAlive(nil, s.buffer)
	if err != nil || time.Since(stopped) > 30*time.Second {
		t.Errorf("the last note is of %v, %v", stopped, err)
	}
	s.downSince(10 * time.Minute)
	s.up()
	v = s.is("it was too long", isOver)
	if d := v.Downtime; d.LostSeconds < 425 || d.LostSeconds > 485 ||
		attentionOf(&v, "what Smartcar first sent in the first") != api.LevelWarning {
		t.Errorf("%+v, %+v", d, v.Attention)
	}
	if got := s.metric("downtime_lost_seconds_total"); got != v.Downtime.LostSeconds {
		t.Errorf("the metric says %v, the status %+v", got, v.Downtime)
	}
}
