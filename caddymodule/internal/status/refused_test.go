package status

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

func TestAllRefusedNeedsAttention(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	refuse := func(s *traffic.Source, n int, code string, first, last time.Duration) {
		for i := range n {
			s.Refuse(code, ago(first-time.Duration(i)*(first-last)/time.Duration(max(1, n-1))), true)
		}
	}
	tests := []struct {
		name     string
		make     func(s *traffic.Source)
		what, do string // "": all is well
	}{
		{"nothing came", func(*traffic.Source) {}, "", ""},
		{"an event that Smartcar has begun to try", func(s *traffic.Source) { refuse(s, 2, "signature_mismatch", time.Minute, 0) }, "", ""},
		{
			"a wrong token from the beginning", func(s *traffic.Source) {
				s.Verified.Add(1)
				refuse(s, 4, "signature_mismatch", 4*time.Minute, time.Minute)
			},
			"production: VERIFY is answered, but every event is refused: 4 in 3m00s, the last one 1m00s ago (signature_mismatch 4)",
			"who sent them is not known here: if Smartcar's dashboard shows failed deliveries, compare the Application Management Token",
		},
		{
			"at once after VERIFY", func(s *traffic.Source) {
				s.Verified.Add(1)
				refuse(s, 3, "signature_mismatch", time.Second, 0)
			},
			"production: VERIFY is answered, but every event is refused: 3 in 1s", "Token",
		},
		{"after VERIFY, but too few", func(s *traffic.Source) {
			s.Verified.Add(1)
			refuse(s, 2, "signature_mismatch", 10*time.Minute, 0)
		}, "", ""},
		{"after VERIFY and an event", func(s *traffic.Source) {
			s.Verified.Add(1)
			s.NoteStored(ago(time.Hour))
			refuse(s, 4, "signature_mismatch", 10*time.Minute, 0)
		}, "", ""},
		{
			"and no VERIFY", func(s *traffic.Source) { refuse(s, 5, "signature_mismatch", 2*time.Minute, 0) },
			"production: every event is refused: 5 in 2m00s", "else a stranger did",
		},
		{
			"a clock that is ahead", func(s *traffic.Source) { refuse(s, 5, "delivery_too_old", 2*time.Minute, 0) },
			"production: every event is refused: 5 in 2m00s", "the system's clock is ahead, or a proxy holds them back: reload",
		},
		{"a stranger's few", func(s *traffic.Source) { refuse(s, 4, "signature_mismatch", 10*time.Minute, 0) }, "", ""},
		{"a stranger's burst before any event", func(s *traffic.Source) {
			refuse(s, 1000, "signature_mismatch", 2*time.Minute-time.Second, 0)
		}, "", ""},
		{
			"a token that was changed", func(s *traffic.Source) {
				s.NoteStored(ago(time.Hour))
				refuse(s, 1200, "signature_mismatch", 12*time.Minute, 0)
			},
			"every event is refused since 12m00s ago: 1,200 in 12m00s", "Token",
		},
		{
			"after a duplicate", func(s *traffic.Source) {
				s.Duplicate.Add(1)
				refuse(s, 9, "signature_mismatch", 12*time.Minute, 0)
			},
			"every event is refused since 12m00s ago", "Token",
		},
		{"a stranger's burst between two events", func(s *traffic.Source) {
			s.NoteStored(ago(time.Hour))
			refuse(s, 1000, "signature_mismatch", 20*time.Minute, 19*time.Minute)
		}, "", ""},
		{"a stranger's flood while events are stored", func(s *traffic.Source) {
			refuse(s, 1000, "signature_mismatch", time.Hour, 2*time.Second)
			s.NoteStored(ago(time.Second))
			refuse(s, 1, "signature_mismatch", 0, 0)
		}, "", ""},
		{"it is over", func(s *traffic.Source) {
			refuse(s, 1000, "signature_mismatch", time.Hour, time.Second)
			s.NoteStored(noon)
		}, "", ""},
		{
			"it may be over", func(s *traffic.Source) { refuse(s, 1000, "signature_mismatch", 48*time.Hour, time.Hour) },
			"the last one 1h00m ago", "Token",
		},
		{"more than an hour ago", func(s *traffic.Source) {
			refuse(s, 1000, "signature_mismatch", 48*time.Hour, time.Hour+time.Second)
		}, "", ""},
		{"more than an hour ago, after VERIFY", func(s *traffic.Source) {
			s.Verified.Add(1)
			refuse(s, 1000, "signature_mismatch", 48*time.Hour, time.Hour+time.Second)
		}, "", ""},
		{"a stranger's probes", func(s *traffic.Source) {
			for range 1000 {
				s.Refuse("signature_missing", noon, false)
			}
		}, "", ""},
		{
			"a proxy that removes the header", func(s *traffic.Source) { refuse(s, 5, "signature_missing", 2*time.Minute, 0) },
			"(signature_missing 5)", "a proxy in front removes or changes the header SC-Signature",
		},
		{
			"events too large", func(s *traffic.Source) {
				refuse(s, 5, "body_too_large", 2*time.Minute, 0)
				refuse(s, 1, "signature_mismatch", 0, 0)
			},
			"(body_too_large 5, signature_mismatch 1)", "raise this receiver's max_size",
		},
		{"a wrong type", func(s *traffic.Source) { refuse(s, 5, "unsupported_content_type", 2*time.Minute, 0) }, "5", "Content-Type"},
		{"a redirect", func(s *traffic.Source) { refuse(s, 5, "method_not_allowed", 2*time.Minute, 0) }, "5", "redirected"},
		{"cut off", func(s *traffic.Source) { refuse(s, 5, "body_not_received", 2*time.Minute, 0) }, "5", "cuts bodies off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var counts traffic.Counters
			tt.make(counts.Source("production"))
			v := Make(noon, engine.Status{Receiving: engine.ReceivingOpen}, &counts, new(DeadLetterWatch), buffer.Limits{}, Receivers{})
			if tt.what == "" {
				if !v.Healthy {
					t.Errorf("%+v", v.Attention)
				}
				return
			}
			if len(v.Attention) != 1 || v.Healthy {
				t.Fatalf("%+v", v.Attention)
			}
			a := v.Attention[0]
			if a.Level != api.LevelWarning || !strings.Contains(a.What, tt.what) || !strings.Contains(a.Do, tt.do) {
				t.Errorf("%+v", a)
			}
			if n := utf8.RuneCountInString(a.Do); n > 3*70 {
				t.Errorf("%d characters do not fit on three lines: %s", n, a.Do)
			}
		})
	}
}
