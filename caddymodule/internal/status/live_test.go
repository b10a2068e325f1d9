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
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// signed is a source with one token, or several, and a clock of the test's.
type signed struct {
	traffic.Counters
	*traffic.Source
	passed time.Duration
	tokens []*traffic.Token
}

func newSigned(tokens ...string) *signed {
	s := new(signed)
	s.Passed = func() time.Duration { return s.passed }
	s.Source = s.Counters.Source("production")
	s.load(tokens...)
	return s
}

func (s *signed) load(tokens ...string) {
	s.tokens = s.Tokens("production", tokens)
	s.PutInForce(traffic.Accepted{"production": {s.tokens}})
}

func (s *signed) sign(token int, mode string) {
	k := s.tokens[token-1]
	s.Signed(k, k.Match(), mode == smartcar.ModeLive, "w-1")
	s.NoteStored(noon)
}

// refuse has LIVE events refused, evenly in the time from first to last before noon.
func (s *signed) refuse(n int, webhook string, first, last time.Duration) {
	for i := range n {
		at := noon.Add(-first + time.Duration(i)*(first-last)/time.Duration(max(1, n-1)))
		s.Refuse("signature_mismatch", at, true)
		s.RefusedLive(at, webhook)
	}
}

func (s *signed) status() api.Status {
	return Make(noon, engine.Status{Receiving: engine.ReceivingOpen}, &s.Counters, new(DeadLetterWatch),
		buffer.Limits{}, Receivers{})
}

const (
	oldToken = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	newToken = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
)

// The state that users of Smartcar report is named, with the advice that fits, and strangers do not make it.
func TestLiveRefused(t *testing.T) {
	const minute = time.Minute
	tests := []struct {
		name     string
		make     func(s *signed)
		level    string // "": it is not said
		what, do string
	}{
		{
			"VERIFY was answered", func(s *signed) {
				s.Verified.Add(1)
				s.refuse(8, "w-1", 3*minute, 10*time.Second)
			}, api.LevelWarning,
			"production: VERIFY is answered, but every LIVE event is refused: 8, the first one 3m00s ago," +
				" the last one 10s ago (signature_mismatch)",
			"if Smartcar's dashboard shows failed deliveries (else a stranger sent them): add an earlier token below the" +
				" present one, mostly the first ever issued",
		},
		{
			"TEST events fit, of the same webhook", func(s *signed) {
				s.sign(1, smartcar.ModeTest)
				s.refuse(3, "w-1", time.Second, 0)
			}, api.LevelError,
			"production: TEST events have right signatures, but every LIVE event is refused: 3, the first one 1s ago",
			"add an earlier token",
		},
		{
			"TEST events go on to fit", func(s *signed) {
				s.Verified.Add(1)
				s.refuse(8, "", 3*minute, 10*time.Second)
				s.sign(1, smartcar.ModeTest)
			}, api.LevelWarning,
			"production: VERIFY is answered and TEST events have right signatures, but every LIVE event is refused: 8",
			"earlier",
		},
		{
			"a token made anew while running", func(s *signed) {
				s.sign(1, smartcar.ModeLive)
				s.passed = 12 * minute
				s.refuse(9, "w-1", 11*minute, 0)
			}, api.LevelError,
			"production: LIVE events had right signatures until 12m00s ago, and every one is refused since: 9, the first one 11m00s ago",
			"add the new token above the present one, or look for a proxy that changes bodies",
		},
		{
			"the same, of a webhook that is not known", func(s *signed) {
				s.sign(1, smartcar.ModeLive)
				s.passed = 12 * minute
				s.refuse(5, "", 2*minute, 0)
			}, api.LevelWarning, "until 12m00s ago", "if Smartcar's dashboard shows failed deliveries",
		},
		{
			"a token that was taken out too early", func(s *signed) {
				s.sign(1, smartcar.ModeLive)
				s.load(newToken)
				s.refuse(5, "w-1", minute, 0)
			}, api.LevelError, "production: every LIVE event is refused since their token was taken out: 5, the first one 1m00s ago",
			"put the token back",
		},
		{
			"a flood", func(s *signed) {
				s.Verified.Add(1)
				s.refuse(1, "", 3*minute, 3*minute)
				s.RefusedUnlooked()
				s.refuse(7, "", 2*minute, 0)
			}, api.LevelWarning, "refused: at least 8, the first one", "",
		},
		{"two", func(s *signed) {
			s.Verified.Add(1)
			s.refuse(2, "w-1", 3*minute, 0)
		}, "", "", ""},
		{"one event's four attempts after right ones", func(s *signed) {
			s.sign(1, smartcar.ModeLive)
			s.refuse(4, "w-1", 3*minute, 0)
		}, "", "", ""},
		{"a stranger's burst after right ones", func(s *signed) {
			s.sign(1, smartcar.ModeLive)
			s.refuse(1000, "w-2", 2*minute-time.Second, 0)
		}, "", "", ""},
		{"a stranger's flood among right ones", func(s *signed) {
			s.sign(1, smartcar.ModeLive)
			s.refuse(1000, "w-2", time.Hour, minute)
			s.sign(1, smartcar.ModeLive)
			s.refuse(4, "w-2", minute, 0)
		}, "", "", ""},
		{"it is over", func(s *signed) {
			s.Verified.Add(1)
			s.refuse(8, "w-1", 3*minute, 0)
			s.sign(1, smartcar.ModeLive)
		}, "", "", ""},
		{"other tokens are in force", func(s *signed) {
			s.Verified.Add(1)
			s.refuse(8, "w-1", 3*minute, 0)
			s.load(newToken, oldToken)
			s.NoteStored(noon)
		}, "", "", ""},
		{"an hour ago", func(s *signed) {
			s.Verified.Add(1)
			s.refuse(8, "", 3*time.Hour, time.Hour)
		}, api.LevelWarning, "the last one 1h00m ago", ""},
		{"more than an hour ago", func(s *signed) {
			s.Verified.Add(1)
			s.refuse(8, "", 3*time.Hour, time.Hour+1)
		}, "", "", ""},
		{"a day ago, of a known webhook", func(s *signed) {
			s.sign(1, smartcar.ModeLive)
			s.refuse(8, "w-1", 25*time.Hour, 24*time.Hour)
		}, api.LevelError, "the last one 24h00m ago", ""},
		{"more than a day ago", func(s *signed) {
			s.sign(1, smartcar.ModeLive)
			s.refuse(8, "w-1", 25*time.Hour, 24*time.Hour+1)
		}, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSigned(oldToken)
			tt.make(s)
			v := s.status()
			if is := v.Sources[0].Live.AllRefused; is != (tt.level != "") {
				t.Errorf("all refused: %t", is)
			}
			if tt.level == "" {
				if !v.Healthy {
					t.Errorf("%+v", v.Attention)
				}
				return
			}
			if len(v.Attention) != 1 || v.Healthy {
				t.Fatalf("%+v", v.Attention)
			}
			a := v.Attention[0]
			if a.Kind != api.LiveRefused || a.Level != tt.level ||
				!strings.Contains(a.What, tt.what) || !strings.Contains(a.Do, tt.do) {
				t.Errorf("%+v", a)
			}
			if n := utf8.RuneCountInString(a.Do); n > 3*70 {
				t.Errorf("%d characters do not fit on three lines: %s", n, a.Do)
			}
		})
	}
}

// Where nothing ever had a right signature it is a wrong token, and that is said as before.
func TestWrongTokenIsNotALiveOneOnly(t *testing.T) {
	s := newSigned(oldToken)
	s.refuse(8, "w-1", 3*time.Minute, 0)
	v := s.status()
	if len(v.Attention) != 1 || v.Attention[0].Kind != api.EventsRefused {
		t.Errorf("%+v", v.Attention)
	}
	if l := v.Sources[0].Live; l.SinceSigned != 8 || !l.LastRefused.Equal(noon) || l.AllRefused {
		t.Errorf("%+v", l)
	}
}

// What keeps all else out as well stands beside it.
func TestLiveRefusedBesideAnotherReason(t *testing.T) {
	s := newSigned(oldToken)
	s.Verified.Add(1)
	s.refuse(3, "", 3*time.Minute, 0)
	for range 9 {
		s.Refuse("body_too_large", noon, true)
	}
	v := s.status()
	if len(v.Attention) != 2 || v.Attention[0].Kind != api.LiveRefused || v.Attention[1].Kind != api.EventsRefused {
		t.Errorf("%+v", v.Attention)
	}
}
