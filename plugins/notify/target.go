package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// slack is an incoming webhook of Slack, Mattermost, or Discord with /slack at its end.
type slack struct {
	URL      string `config:"url,sensitive" doc:"The URL of the incoming webhook, which is a secret."`
	Insecure bool   `config:"insecure" default:"false" doc:"Allows http to other hosts than loopback."`
}

// webhook is a URL that messages are posted to as JSON.
type webhook struct {
	URL      string            `config:"url,sensitive" doc:"An https URL, or an http one of loopback."`
	Headers  map[string]string `config:"headers,optional,sensitive" doc:"Headers to add, such as Authorization."`
	Insecure bool              `config:"insecure" default:"false" doc:"Allows http to other hosts than loopback."`
}

// smtp is a mail server, and who gets mail.
type smtp struct {
	Server   string   `config:"server" doc:"smtps://HOST[:465] with TLS, or smtp://HOST[:587] with STARTTLS."`
	Username string   `config:"username,optional,sensitive" doc:"Who logs in."`
	Password string   `config:"password,optional,sensitive" doc:"The password."`
	From     string   `config:"from" doc:"The address that mails come from."`
	To       []string `config:"to" doc:"1 to 50 addresses that get each mail."`
	Insecure bool     `config:"insecure" default:"false" doc:"Does without TLS; there can be no password then."`
}

// target is a place that gets every message.
type target struct {
	send.Sender
	// name is for people: the kind and the host.
	name string
	// id is the same for as long as messages go to the same place, whatever its password is. It is a digest, for the
	// place may be a secret.
	id string
	// kind is slack, webhook or smtp.
	kind string
	// turn is held by whoever sends, so that a crash repeats one message at most.
	turn chan struct{}
}

// host is a sender that says where it sends.
type host interface {
	send.Sender
	Host() string
}

func newTarget(kind string, s host, place ...string) *target {
	sum := sha256.Sum256([]byte(kind + "\x00" + strings.Join(place, "\x00")))
	return &target{
		Sender: s, name: kind + " " + s.Host(), id: hex.EncodeToString(sum[:8]), kind: kind,
		turn: make(chan struct{}, 1),
	}
}

func (t *target) isMail() bool { return t.kind == "smtp" }

func (w slack) target() (*target, error) {
	s, err := send.NewSlack(send.SlackConfig{URL: w.URL, Insecure: w.Insecure})
	if err != nil {
		return nil, err
	}
	return newTarget("slack", s, w.URL), nil
}

func (w webhook) target() (*target, error) {
	s, err := send.NewWebhook(send.WebhookConfig{URL: w.URL, Headers: w.Headers, Insecure: w.Insecure})
	if err != nil {
		return nil, err
	}
	return newTarget("webhook", s, w.URL), nil
}

func (m smtp) target() (*target, error) {
	s, err := send.NewSMTP(send.SMTPConfig{
		Server: m.Server, Username: m.Username, Password: m.Password, From: m.From, To: m.To, Insecure: m.Insecure,
	})
	if err != nil {
		return nil, err
	}
	return newTarget("smtp", s, append([]string{m.Server, m.From}, m.To...)...), nil
}

// targets makes the targets. The errors, all of them at once, point at their blocks and repeat no value.
func (c config) targets() ([]*target, []error) {
	var list []*target
	var errs []error
	seen := map[string]bool{}
	add := func(kind string, i int, t *target, err error) {
		if err == nil && seen[t.id] {
			err = errors.New("is the same as one before it: one of them is enough")
		}
		if err != nil {
			errs = append(errs, sdk.ConfigError(fmt.Sprintf("%s.%d", kind, i), "Not a target", "This "+kind+" "+err.Error()+"."))
			return
		}
		seen[t.id] = true
		list = append(list, t)
	}
	for i, w := range c.Slack {
		t, err := w.target()
		add("slack", i, t, err)
	}
	for i, w := range c.Webhook {
		t, err := w.target()
		add("webhook", i, t, err)
	}
	for i, m := range c.SMTP {
		t, err := m.target()
		add("smtp", i, t, err)
	}
	return list, errs
}

// checkTargets reports what is wrong with the targets.
func (c config) checkTargets() error {
	list, errs := c.targets()
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case len(list) == 0:
		return sdk.ConfigError("", "Nobody to tell", "Add a block slack, webhook or smtp.")
	case len(list) > mostTargets:
		return sdk.ConfigError("", "Too many targets", fmt.Sprintf("There are %d; use at most %d.", len(list), mostTargets))
	}
	return nil
}
