package app

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/alert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// hookSecret stands for the path of a hook or a password, which no error may show.
const hookSecret = "T0SECRETb8b9xyz"

// readAttention reads the block of a Caddyfile, and returns what its JSON says.
func readAttention(t *testing.T, block string) (*Attention, error) {
	t.Helper()
	tokens, err := caddyfile.Tokenize([]byte("smartcar {\nattention {\n"+block+"\n}\n}\n"), "Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens)); err != nil {
		return nil, err
	}
	data, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	again := new(App)
	if err := json.Unmarshal(data, again); err != nil {
		t.Fatal(err)
	}
	return again.Attention, nil
}

func TestAttentionBlock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(file, []byte("https://hooks.slack.com/services/"+hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ATTENTION_PASSWORD", hookSecret)
	t.Setenv("ATTENTION_TOKEN", hookSecret)
	c, err := readAttention(t, `
		webhook https://example.com/hook {
			header Authorization "Bearer {env.ATTENTION_TOKEN}"
		}
		webhook https://example.com/other
		slack {file.`+filepath.ToSlash(file)+`}
		smtp smtp://mail.example.com {
			username alerts
			password {env.ATTENTION_PASSWORD}
			from alerts@example.com
			to ops@example.com
			to "On call <on-call@example.com>" boss@example.com
		}
		every 2h
		after 30s
		level error
	`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.load()
	if err != nil {
		t.Fatal(err)
	}
	if (got.Rules != alert.Rules{Every: 2 * time.Hour, After: 30 * time.Second, Level: api.LevelError}) {
		t.Errorf("%+v", got.Rules)
	}
	var names []string
	for _, target := range got.Targets {
		names = append(names, target.Name)
	}
	const want = "webhook example.com, webhook example.com (2), slack hooks.slack.com, smtp mail.example.com"
	if list := strings.Join(names, ", "); list != want {
		t.Errorf("%s", list)
	}
	// A new password is told to the same people.
	before := got.Targets[3].Key
	t.Setenv("ATTENTION_PASSWORD", "another")
	if got, err = c.load(); err != nil || got.Targets[3].Key != before || strings.Contains(before, hookSecret) {
		t.Errorf("%q, %v", got.Targets[3].Key, err)
	}

	defaults, err := (&Attention{Slack: []AttentionSlack{{URL: "https://hooks.slack.com/x"}}}).load()
	if err != nil || (defaults.Rules != alert.Rules{Every: 4 * time.Hour, After: time.Minute, Level: api.LevelWarning}) {
		t.Errorf("%+v, %v", defaults.Rules, err)
	}
}

// What a Caddyfile has wrong is said with its line and what to write, and never with what may be a secret.
func TestAttentionMistakes(t *testing.T) {
	const ok, ends = "slack https://hooks.slack.com/x\n", `from a@example.com
		to a@example.com`
	tests := map[string]struct{ block, words string }{
		"nobody":                {"every 4h", "Caddyfile:2: attention has nobody to tell"},
		"unknown option":        {ok + "slak x", "unknown option 'slak'; there is: webhook, slack, smtp, every, after, level"},
		"a URL without a word":  {"https://hooks.slack.com/" + hookSecret, "unknown option"},
		"twice":                 {ok + "every 4h\nevery 5h", "every is given twice"},
		"no URL":                {"slack", "as in `slack {env.SLACK_WEBHOOK_URL}`"},
		"two URLs":              {"slack https://a/" + hookSecret + " b", "found 2"},
		"http":                  {"webhook http://example.com/" + hookSecret, "Caddyfile:3"},
		"a secret in braces":    {"slack {" + hookSecret + "}", "placeholder that does not exist"},
		"a request's":           {"slack {http.request.host}", "only during a request"},
		"a path without one":    {"slack {file.hook}", "{file./absolute/path}"},
		"Discord":               {"slack https://discord.com/api/webhooks/1/" + hookSecret, "append /slack"},
		"option of another":     {"slack https://a.example/x {\nheader a b\n}", "unknown option 'header'; there is: insecure"},
		"header without value":  {"webhook https://a.example/x {\nheader " + hookSecret + "\n}", "as in `header"},
		"header twice":          {"webhook https://a.example/x {\nheader a b\nheader a " + hookSecret + "\n}", "twice"},
		"insecure with a value": {"slack https://a.example/x {\ninsecure yes\n}", "takes no value"},
		"no from":               {"smtp smtps://mail.example.com {\nto a@example.com\n}", "has no from"},
		"no to":                 {"smtp smtps://mail.example.com {\nfrom a@example.com\n}", "to"},
		"empty to":              {"smtp smtps://mail.example.com {\nto\n}", "as in `to ops@example.com`"},
		"password in the URL":   {"smtp smtps://me:" + hookSecret + "@mail.example.com {\n" + ends + "\n}", "`password {env.SMTP_PASSWORD}`"},
		"password in clear":     {"smtp smtp://mail.example.com {\nusername me\npassword " + hookSecret + "\n" + ends + "\ninsecure\n}", "cannot have a password"},
		"password without name": {"smtp smtps://mail.example.com {\npassword " + hookSecret + "\n" + ends + "\n}", "both"},
		"too short a window":    {ok + "every 1s", "1m to 7d"},
		"after beyond every":    {ok + "every 1m\nafter 2m", "no more than every"},
		"no duration":           {ok + "after soon", "must be a duration such as 1m"},
		"another level":         {ok + "level fatal", "must be warning or error"},
		"a block of every":      {ok + "every 4h {\nx\n}", "every has no block"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readAttention(t, tt.block)
			if err == nil || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("%v, want %q", err, tt.words)
			}
			if err != nil && strings.Contains(err.Error(), hookSecret) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// What only loading finds: a variable that is not set, a file that is not there, what stands in them.
func TestAttentionIsLoaded(t *testing.T) {
	t.Setenv("ATTENTION_HTTP", "http://example.com/"+hookSecret)
	t.Setenv("ATTENTION_URL", "https://hooks.slack.com/"+hookSecret)
	slack := func(urls ...string) *Attention {
		c := new(Attention)
		for _, url := range urls {
			c.Slack = append(c.Slack, AttentionSlack{URL: url})
		}
		return c
	}
	mail := AttentionSMTP{Server: "smtps://mail.example.com", Username: "me", Password: "{env.ATTENTION_UNSET}", From: "a@example.com", To: []string{"b@example.com"}}
	many := new(Attention)
	for range mostTargets + 1 {
		many.Slack = append(many.Slack, AttentionSlack{URL: "https://hooks.slack.com/x"})
	}
	tests := map[string]struct {
		config *Attention
		words  string
	}{
		"unset":        {slack("{env.ATTENTION_UNSET}"), "attention: slack 1 ({env.ATTENTION_UNSET}): its placeholder is empty: set the variable"},
		"no file":      {slack("{file./nowhere/at/all}"), "slack 1 ({file./nowhere/at/all}): its placeholder is empty"},
		"http inside":  {slack("{env.ATTENTION_HTTP}"), "slack 1 ({env.ATTENTION_HTTP}): is http"},
		"empty":        {slack(""), "slack 1: is empty"},
		"the same":     {slack("{env.ATTENTION_URL}", "{env.ATTENTION_URL}"), "slack 2 ({env.ATTENTION_URL}): is the same as slack 1"},
		"no password":  {&Attention{SMTP: []AttentionSMTP{mail}}, "smtp 1 ({env.ATTENTION_UNSET}): its password: its placeholder is empty"},
		"nobody":       {&Attention{}, "nobody to tell"},
		"too many":     {many, "at most 20"},
		"wrong header": {&Attention{Webhooks: []AttentionWebhook{{URL: "https://example.com", Headers: map[string]string{"a": "{env.ATTENTION_UNSET}"}}}}, "its header a: its placeholder is empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := tt.config.load()
			if err == nil || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), hookSecret) {
				t.Errorf("%v, want %q", err, tt.words)
			}
		})
	}
}

// A variable that is not set after a reboot keeps nobody from receiving, and the other targets are told; a reload and
// `caddy validate` refuse it.
func TestAttentionMistakeAtStart(t *testing.T) {
	config := &Attention{Slack: []AttentionSlack{{URL: "{env.ATTENTION_UNSET}"}, {URL: "https://hooks.slack.com/x"}}}
	for start, refused := range map[startKind]bool{ofReload: true, ofOther: true, ofProcess: false} {
		a := &App{Attention: config, start: start, log: slog.New(slog.DiscardHandler)}
		err := a.loadAttention()
		if (err != nil) != refused || len(a.alerts.Targets) != 1 {
			t.Errorf("%v: %v, %d targets", start, err, len(a.alerts.Targets))
		}
		if refused {
			continue
		}
		a.ref = &EngineRef{sharedEngine: &sharedEngine{alerts: alert.New(nil, slog.Default())}}
		list := a.messagesAttention()
		if len(list) != 1 || list[0].Kind != api.MessagesMistaken || !strings.Contains(list[0].What, "ATTENTION_UNSET") {
			t.Errorf("%+v", list)
		}
	}
}
