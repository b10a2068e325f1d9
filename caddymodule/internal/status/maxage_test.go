package status

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func TestMaxAgeIsSuspendedWithAWord(t *testing.T) {
	jump := buffer.ClockJump{By: -time.Hour, Left: time.Minute}
	for name, tc := range map[string]struct {
		jump    buffer.ClockJump
		sources []string
		want    string
	}{
		"the clock is believed":  {buffer.ClockJump{}, []string{"production"}, ""},
		"nothing is refused":     {jump, nil, ""},
		"refusing is suspended":  {jump, []string{"production"}, "max_age refuses nothing at production while"},
		"that of two receivers":  {jump, []string{"production", "test"}, "at production, test while"},
		"the clock is far ahead": {buffer.ClockJump{By: 400 * 24 * time.Hour}, []string{"test"}, "at test while"},
	} {
		t.Run(name, func(t *testing.T) {
			got := MaxAgeNotices(tc.jump, tc.sources)
			if len(got) == 0 && tc.want == "" {
				return
			}
			if len(got) != 1 || tc.want == "" || !strings.Contains(got[0].What, tc.want) || got[0].Do == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}
