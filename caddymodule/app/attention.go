package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/alert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

const (
	mostTargets   = 20
	shortestEvery = time.Minute
	longestEvery  = 7 * 24 * time.Hour
	longestAfter  = 24 * time.Hour
)

// Attention is who is told of what needs attention, and when. Values that hold secrets may have the placeholders
// `{env.NAME}` and `{file./absolute/path}`, which are replaced when the config is loaded.
type Attention struct {
	// URLs that get each message as JSON.
	Webhooks []AttentionWebhook `json:"webhooks,omitempty"`

	// Channels of Slack, or of what takes the same: Mattermost, Discord.
	Slack []AttentionSlack `json:"slack,omitempty"`

	// Mail servers, and who gets mail.
	SMTP []AttentionSMTP `json:"smtp,omitempty"`

	// The window: how long it is until the same thing is said again while it lasts. 1m to 7d. Default: 4h.
	Every caddy.Duration `json:"every,omitempty"`

	// How long a thing must stand before a message goes out, and be gone before it counts as resolved. At most 24h, and
	// no more than every. Default: 1m.
	After caddy.Duration `json:"after,omitempty"`

	// The least level that is said: `warning` or `error`. Default: `warning`.
	Level string `json:"level,omitempty"`
}

// AttentionWebhook is a URL that messages are posted to as JSON.
type AttentionWebhook struct {
	// An https URL; http only to loopback, or with `insecure`. Placeholders are replaced.
	URL string `json:"url,omitempty"`

	// Headers to add, such as `Authorization`. Placeholders in values are replaced.
	Headers map[string]string `json:"headers,omitempty"`

	// Allows http to other hosts.
	Insecure bool `json:"insecure,omitempty"`
}

// AttentionSlack is an incoming webhook of Slack, Mattermost, or Discord with `/slack` at its end.
type AttentionSlack struct {
	// Its URL, which is a secret. Placeholders are replaced.
	URL string `json:"url,omitempty"`

	// Allows http to other hosts than loopback.
	Insecure bool `json:"insecure,omitempty"`
}

// AttentionSMTP is a mail server, and who gets mail. Placeholders are replaced.
type AttentionSMTP struct {
	// `smtps://HOST[:465]` with TLS, or `smtp://HOST[:587]` with STARTTLS, which is a must but on loopback.
	Server string `json:"server,omitempty"`

	// Who logs in; none where the server wants nobody to.
	Username string `json:"username,omitempty"`

	// The password, a secret.
	Password string `json:"password,omitempty"`

	// The address that the mails come from.
	From string `json:"from,omitempty"`

	// 1 to 50 addresses that get each mail.
	To []string `json:"to,omitempty"`

	// Does without TLS. There can be no password then.
	Insecure bool `json:"insecure,omitempty"`
}

// sender is a target with the host that its name shows.
type sender interface {
	send.Sender
	Host() string
}

// rules checks when messages go out.
func (c *Attention) rules() (alert.Rules, error) {
	r := alert.Rules{Every: time.Duration(c.Every), After: time.Duration(c.After), Level: c.Level}
	if r.Every == 0 {
		r.Every = alert.DefaultEvery
	}
	if r.After == 0 {
		r.After = min(alert.DefaultAfter, r.Every)
	}
	if r.Level == "" {
		r.Level = api.LevelWarning
	}
	switch {
	case r.Every < shortestEvery || r.Every > longestEvery:
		return r, fmt.Errorf("attention every %s: must be 1m to 7d", r.Every)
	case r.After < 0 || r.After > longestAfter:
		return r, fmt.Errorf("attention after %s: must be more than 0 and at most 24h", r.After)
	case r.After > r.Every:
		return r, fmt.Errorf("attention after %s: must be no more than every, which is %s", r.After, r.Every)
	case r.Level != api.LevelWarning && r.Level != api.LevelError:
		return r, fmt.Errorf("attention level %q: must be warning or error", r.Level)
	}
	return r, nil
}

// load makes the targets. What is wrong with one keeps none of the others from being made. An error names a target by
// its kind, its number and its placeholders, never by a value.
func (c *Attention) load() (alert.Config, error) {
	rules, err := c.rules()
	if err != nil {
		return alert.Config{}, err
	}
	targets := make([]alert.Target, 0, c.count())
	faults := []error{c.checkCount()}
	names, keys := map[string]int{}, map[string]string{}
	add := func(kind string, i int, secrets string, key string, s sender, err error) {
		called := targetName(kind, i, secrets)
		if err == nil && keys[key] != "" {
			err = fmt.Errorf("is the same as %s: one of them is enough", keys[key])
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("attention: %s: %w", called, err))
			return
		}
		keys[key] = called
		name := kind + " " + s.Host()
		if names[name]++; names[name] > 1 {
			name += fmt.Sprintf(" (%d)", names[name])
		}
		targets = append(targets, alert.Target{Name: name, Key: key, Sender: s})
	}
	for i, w := range c.Webhooks {
		s, key, err := w.sender()
		add("webhook", i, w.URL, key, s, err)
	}
	for i, w := range c.Slack {
		s, key, err := w.sender()
		add("slack", i, w.URL, key, s, err)
	}
	for i := range c.SMTP {
		s, key, err := c.SMTP[i].sender()
		add("smtp", i, c.SMTP[i].Password, key, s, err)
	}
	return alert.Config{Rules: rules, Targets: targets}, errors.Join(faults...)
}

func (c *Attention) count() int { return len(c.Webhooks) + len(c.Slack) + len(c.SMTP) }

func (c *Attention) checkCount() error {
	switch n := c.count(); {
	case n == 0:
		return errors.New("attention has nobody to tell: add a webhook, slack or smtp," +
			" as in `slack {env.SLACK_WEBHOOK_URL}`")
	case n > mostTargets:
		return fmt.Errorf("attention has %d targets: must be at most %d", n, mostTargets)
	}
	return nil
}

// targetName says which target is meant, and the placeholders of its secret, if they have the form of a name or a path.
func targetName(kind string, i int, secret string) string {
	name := fmt.Sprintf("%s %d", kind, i+1)
	if shown := directive.ShownPlaceholders(secret); shown != "" {
		name += " (" + shown + ")"
	}
	return name
}

func (w AttentionWebhook) sender() (sender, string, error) {
	url, err := directive.Expand(w.URL, "URL")
	if err != nil {
		return nil, "", err
	}
	headers := make(map[string]string, len(w.Headers))
	for name, raw := range w.Headers {
		if headers[name], err = directive.Expand(raw, "header"); err != nil {
			return nil, "", fmt.Errorf("its header %s: %w", name, err)
		}
	}
	s, err := send.NewWebhook(send.WebhookConfig{URL: url, Headers: headers, Insecure: w.Insecure})
	return s, "webhook " + url, err
}

func (w AttentionSlack) sender() (sender, string, error) {
	url, err := directive.Expand(w.URL, "URL")
	if err != nil {
		return nil, "", err
	}
	s, err := send.NewSlack(send.SlackConfig{URL: url, Insecure: w.Insecure})
	return s, "slack " + url, err
}

// sender makes one. The password is no part of the key: who gets the mails is the same with a new one.
func (m *AttentionSMTP) sender() (sender, string, error) {
	c := send.SMTPConfig{To: make([]string, len(m.To)), Insecure: m.Insecure}
	type value struct {
		raw, noun string
		to        *string
	}
	values := []value{
		{m.Server, "server", &c.Server}, {m.Username, "username", &c.Username}, {m.Password, "password", &c.Password},
		{m.From, "from", &c.From},
	}
	for i, to := range m.To {
		values = append(values, value{to, "to", &c.To[i]})
	}
	for _, v := range values {
		if v.raw == "" {
			continue
		}
		var err error
		if *v.to, err = directive.Expand(v.raw, v.noun); err != nil {
			return nil, "", fmt.Errorf("its %s: %w", v.noun, err)
		}
	}
	s, err := send.NewSMTP(c)
	return s, strings.Join(append([]string{"smtp", c.Server, c.From}, c.To...), " "), err
}

// loadAttention makes the targets. When a process starts, a mistake must not keep it from receiving: those that can be
// made are, and the status says what is wrong with the others.
func (a *App) loadAttention() error {
	if a.Attention == nil {
		return nil
	}
	var err error
	if a.alerts, err = a.Attention.load(); err == nil {
		return nil
	}
	if a.start != ofProcess {
		return err
	}
	a.alertMistake = err
	a.log.Error("the config of messages about what needs attention has a mistake: not all are sent",
		"error", err.Error(), "do", "put it right, then reload")
	return nil
}

// messagesAttention is about messages that do not get to people.
func (a *App) messagesAttention() []api.Attention {
	var list []api.Attention
	if a.alertMistake != nil {
		list = append(list, api.Attention{
			Kind: api.MessagesMistaken, Level: api.LevelWarning,
			What: "messages about what needs attention do not all go out: " +
				strings.ReplaceAll(a.alertMistake.Error(), "\n", "; "),
			Do: "put it right, then reload",
		})
	}
	return append(list, a.ref.alerts.Attention()...)
}
