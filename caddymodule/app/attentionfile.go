package app

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

var (
	attentionOptions = []string{"webhook", "slack", "smtp", "every", "after", "level"}
	webhookOptions   = []string{"header", "insecure"}
	slackOptions     = []string{"insecure"}
	smtpOptions      = []string{"username", "password", "from", "to", "insecure"}
)

// unmarshalAttention reads the block:
//
//	attention {
//	    webhook <url> {
//	        header   <name> <value>
//	        insecure
//	    }
//	    slack <url> {
//	        insecure
//	    }
//	    smtp <smtps://host[:port] | smtp://host[:port]> {
//	        username <name>
//	        password <password>
//	        from     <address>
//	        to       <address...>
//	        insecure
//	    }
//	    every <duration>
//	    after <duration>
//	    level warning|error
//	}
//
// webhook, slack and smtp may be repeated; one of them is needed.
func (a *App) unmarshalAttention(d *caddyfile.Dispenser) error {
	c := new(Attention)
	at := directive.Position(d)
	if len(d.RemainingArgs()) > 0 {
		// The arguments are not repeated: one may be the URL of a hook.
		return d.Err("attention takes no argument, only a block: each target has a line of its own there")
	}
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := c.unmarshalOption(d, seen); err != nil {
			return err
		}
	}
	if err := c.checkCount(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if _, err := c.rules(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	a.Attention = c
	return nil
}

func (c *Attention) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool) error {
	option := d.Val()
	switch option {
	case "webhook", "slack", "smtp":
	default:
		if err := directive.Once(d, seen, option); err != nil {
			return err
		}
	}
	var err error
	switch option {
	case "webhook":
		return c.unmarshalWebhook(d)
	case "slack":
		return c.unmarshalSlack(d)
	case "smtp":
		return c.unmarshalSMTP(d)
	case "every":
		c.Every, err = directive.Duration(d, "4h")
	case "after":
		c.After, err = directive.Duration(d, "1m")
	case "level":
		if c.Level, err = directive.Arg(d, "warning"); err == nil {
			if _, wrong := (&Attention{Level: c.Level}).rules(); wrong != nil {
				return d.WrapErr(wrong)
			}
		}
	default:
		return directive.UnknownOption(d, option, attentionOptions)
	}
	return err
}

// secretArg reads the first argument of a target, which may be a secret.
func secretArg(d *caddyfile.Dispenser, example string) (string, error) {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s needs exactly one value, as in `%s %s`; found %d"+
			" (a {$NAME} that is not set leaves nothing)", option, option, example, len(args))
	}
	return args[0], nil
}

// secrets checks as much of values as can be known now: this may be another machine than the one that runs the config,
// so placeholders stay. It reports whether there are none, so that all is known.
func secrets(noun string, values ...string) (known bool, err error) {
	known = true
	for _, raw := range values {
		if err := directive.CheckPlaceholders(raw, noun); err != nil {
			return false, err
		}
		known = known && !directive.HasPlaceholder(raw)
	}
	return known, nil
}

func (c *Attention) unmarshalWebhook(d *caddyfile.Dispenser) error {
	url, err := secretArg(d, "https://example.com/hook")
	if err != nil {
		return err
	}
	w := AttentionWebhook{URL: url}
	values := []string{url}
	err = targetBlock(d, webhookOptions, func(option string) error {
		if option == "insecure" {
			w.Insecure = true
			return directive.Flag(d)
		}
		args := d.RemainingArgs()
		if len(args) != 2 {
			return d.Errf("header needs a name and a value,"+
				" as in `header Authorization \"Bearer {env.HOOK_TOKEN}\"`; found %d", len(args))
		}
		if w.Headers == nil {
			w.Headers = map[string]string{}
		}
		if _, twice := w.Headers[args[0]]; twice {
			return d.Err("a header is given twice")
		}
		w.Headers[args[0]] = args[1]
		values = append(values, args[1])
		return directive.NoBlock(d, option)
	})
	if err != nil {
		return err
	}
	c.Webhooks = append(c.Webhooks, w)
	return checkTarget(d, "webhook", len(c.Webhooks), w.sender, values...)
}

func (c *Attention) unmarshalSlack(d *caddyfile.Dispenser) error {
	url, err := secretArg(d, "{env.SLACK_WEBHOOK_URL}")
	if err != nil {
		return err
	}
	w := AttentionSlack{URL: url}
	err = targetBlock(d, slackOptions, func(string) error {
		w.Insecure = true
		return directive.Flag(d)
	})
	if err != nil {
		return err
	}
	c.Slack = append(c.Slack, w)
	return checkTarget(d, "slack", len(c.Slack), w.sender, url)
}

func (c *Attention) unmarshalSMTP(d *caddyfile.Dispenser) error {
	server, err := secretArg(d, "smtps://mail.example.com")
	if err != nil {
		return err
	}
	m := AttentionSMTP{Server: server}
	err = targetBlock(d, smtpOptions, func(option string) error {
		var err error
		switch option {
		case "username":
			m.Username, err = secretArg(d, "alerts@example.com")
		case "password":
			m.Password, err = secretArg(d, "{env.SMTP_PASSWORD}")
		case "from":
			m.From, err = directive.Arg(d, "alerts@example.com")
			return err
		case "to":
			to := d.RemainingArgs()
			if len(to) == 0 {
				return d.Err("to needs one or more addresses, as in `to ops@example.com`")
			}
			m.To = append(m.To, to...)
		case "insecure":
			m.Insecure = true
			return directive.Flag(d)
		}
		if err != nil {
			return err
		}
		return directive.NoBlock(d, option)
	})
	if err != nil {
		return err
	}
	c.SMTP = append(c.SMTP, m)
	return checkTarget(d, "smtp", len(c.SMTP), m.sender,
		append([]string{m.Server, m.Username, m.Password, m.From}, m.To...)...)
}

// targetBlock reads the block of a target; header and to may be repeated.
func targetBlock(d *caddyfile.Dispenser, options []string, read func(option string) error) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if !slices.Contains(options, option) {
			return directive.UnknownOption(d, option, options)
		}
		if option != "header" && option != "to" {
			if err := directive.Once(d, seen, option); err != nil {
				return err
			}
		}
		if err := read(option); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget tries to make a target, where all of its values are known already.
func checkTarget(
	d *caddyfile.Dispenser, kind string, number int, try func() (sender, string, error), values ...string,
) error {
	known, err := secrets("value", values...)
	if err == nil && known {
		_, _, err = try()
	}
	if err != nil {
		return d.Errf("attention: %s %d: %w", kind, number, err)
	}
	return nil
}
