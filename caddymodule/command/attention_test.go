package command

import (
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func TestAttentionReport(t *testing.T) {
	var out strings.Builder
	p := terminal(&out)
	down := api.Attention{Kind: api.HandlerUnavailable, Level: api.LevelError, Handler: "crm", What: "crm has got nothing for 12m00s: 127.0.0.1:3000: connection refused"}
	letters := api.Attention{Kind: api.DeadLetters, Level: api.LevelWarning, What: "17 dead letters, 17 in the last hour: crm rejected http_404"}
	err := p.attentionReport(&api.AttentionReport{
		Every: 14400, After: 60, Level: api.LevelWarning,
		Targets: []api.AttentionTarget{
			{Target: "slack hooks.slack.com", Sent: 2, LastSentAt: noon.Add(-11 * time.Minute)},
			{Target: "smtp mail.example.com", FailingSince: noon.Add(-10 * time.Minute), NextTryAt: noon.Add(4 * time.Minute),
				LastError: "mail.example.com: it answered 535: it refuses the username or the password, or wants them"},
		},
		Items: []api.StandingAttention{
			{ID: down.ID(), Attention: down, Since: noon.Add(-12 * time.Minute)},
			{ID: letters.ID(), Attention: letters, Since: noon.Add(-40 * time.Second)},
		},
		Messages: []api.AttentionMessage{
			{At: noon.Add(-3 * time.Hour), Target: "slack hooks.slack.com", Title: "web-1: resolved: archive is down"},
			{At: noon.Add(-11 * time.Minute), Target: "slack hooks.slack.com", Title: "web-1: crm has got nothing for 1m00s: 127.0.0.1:3000: connection refused"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "attention", out.String())

	out.Reset()
	if err := p.attentionReport(new(api.AttentionReport)); err != nil || !strings.Contains(out.String(), "Nobody is told") {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestAttentionTests(t *testing.T) {
	var out strings.Builder
	r := api.AttentionTests{Results: []api.AttentionTest{
		{Target: "slack hooks.slack.com", Sent: true},
		{Target: "webhook example.com", Error: "example.com: it answered 404"},
	}}
	terminal(&out).attentionTests(&r)
	golden(t, "attention-test", out.String())
	for words, r := range map[string]api.AttentionTests{
		"1 message did not get through": r, "nobody is told": {}, "": {Results: r.Results[:1]},
	} {
		err := unsent(&r)
		if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}
