package notify

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// Each mistake says where it is and what to do, and no secret.
func TestConfigMistakes(t *testing.T) {
	hook := sdktest.Config{"url": "https://example.com/" + secret}
	tests := map[string]struct {
		config sdktest.Config
		want   string
	}{
		"nobody":              {sdktest.Config{"webhook": nil}, "Nobody to tell: Add a block slack, webhook or smtp."},
		"no state":            {sdktest.Config{"state": ""}, "state: Empty path"},
		"no folder":           {sdktest.Config{"state": "/nonexistent/x.db"}, "state: The state file cannot be opened: there is no folder"},
		"http":                {sdktest.Config{"webhook": []sdktest.Config{{"url": "http://example.com/" + secret}}}, "webhook.0: Not a target: This webhook is http"},
		"discord":             {sdktest.Config{"slack": []sdktest.Config{{"url": "https://discord.com/api/" + secret}}}, "slack.0: Not a target: This slack is Discord's own webhook: append /slack"},
		"twice":               {sdktest.Config{"webhook": []sdktest.Config{hook, hook}}, "webhook.1: Not a target: This webhook is the same as one before it"},
		"mail to nobody":      {sdktest.Config{"smtp": []sdktest.Config{{"server": "smtps://a.test", "from": "a@a.test", "to": []any{}}}}, "smtp.0: Not a target: This smtp needs a to"},
		"too many":            {sdktest.Config{"webhook": manyHooks(21)}, "Too many targets: There are 21; use at most 20."},
		"window":              {sdktest.Config{"window": "0s"}, "window: Not a window: Use 1s to 720h"},
		"keep":                {sdktest.Config{"keep": "1m"}, "keep: Too short or too long"},
		"resolved":            {sdktest.Config{"resolved": "sometimes"}, `resolved: Unknown choice: Write "told", "always" or "never".`},
		"rate":                {sdktest.Config{"rate": sdktest.Config{"max": 0}}, "rate.max: Not a number of messages: Use 1 to 10000."},
		"per":                 {sdktest.Config{"rate": sdktest.Config{"per": "1ms"}}, "rate.per: Not a period"},
		"code without":        {sdktest.Config{"code": "low"}, "code: There is no condition"},
		"unknown field":       {sdktest.Config{"title": "{{ .Vehical }}"}, "title: Not a template that can be used: there is no .Vehical. Did you mean .Vehicle? There is: .Kind, .Event,"},
		"in a branch":         {sdktest.Config{"text": `{{ if eq .Code "x" }}{{ range .Signals }}{{ $.Foo }}{{ end }}{{ end }}`}, "text: Not a template that can be used: there is no .Foo."},
		"not closed":          {sdktest.Config{"text": "{{ if"}, "text: Not a template that can be used: text:1:"},
		"another template":    {sdktest.Config{"text": `{{ define "a" }}{{ end }}x`}, "text: Not a template that can be used: it defines another template"},
		"itself":              {sdktest.Config{"text": `{{ if eq .Code "x" }}{{ template "text" . }}{{ end }}`}, "it calls another template"},
		"texts have no order": {sdktest.Config{"condition": `{{ lt .Code 5 }}`}, "only numbers have an order"},
		"no truth":            {sdktest.Config{"condition": `{{ .Code }}`}, `it must give "true" or "false"`},
		"no end":              {sdktest.Config{"text": `{{ printf "%70000d" 1 }}`}, "it gives more than 65536 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := sdktest.Config{"state": filepath.Join(t.TempDir(), "notify.db"), "webhook": []sdktest.Config{hook}}
			maps.Copy(c, test.config)
			_, err := sdktest.Open(t, Plugin(), c)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v\nwant %s", err, test.want)
			}
		})
	}
}

func manyHooks(n int) (list []sdktest.Config) {
	for i := range n {
		list = append(list, sdktest.Config{"url": "https://example.com/" + strings.Repeat("x", i)})
	}
	return list
}

// Whatever may be a secret is sensitive.
func TestSecretsAreSensitive(t *testing.T) {
	var got []string
	for _, b := range Plugin().Schema().Blocks {
		for _, a := range b.Schema.Attributes {
			if a.Sensitive {
				got = append(got, b.Name+"."+a.Name)
			}
		}
	}
	want := []string{"slack.url", "webhook.headers", "webhook.url", "smtp.password", "smtp.username"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Without a block, the rate is what the block has by default.
func TestRateByDefault(t *testing.T) {
	for _, b := range Plugin().Schema().Blocks {
		if b.Name != "rate" {
			continue
		}
		byName := map[string]string{}
		for _, a := range b.Schema.Attributes {
			byName[a.Name] = string(a.Default)
		}
		if r := (config{}).rate(); byName["max"] != "10" || r.Max != 10 || byName["per"] != `"1m"` || r.Per != time.Minute {
			t.Errorf("%v %v", byName, r)
		}
	}
}
