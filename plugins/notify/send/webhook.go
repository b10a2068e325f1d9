package send

import "context"

// Webhook posts a message's JSON to a URL.
type Webhook struct{ poster *poster }

// WebhookConfig is where to post.
type WebhookConfig struct {
	// URL is an https URL, or an http one of loopback. It may hold a secret.
	URL string
	// Headers are added, such as Authorization. They may hold secrets.
	Headers map[string]string
	// Insecure allows http to other hosts.
	Insecure bool
}

// NewWebhook checks the config. An error reads on from the name of what is configured, as in "has no …".
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	p, err := newPoster(c.URL, c.Headers, c.Insecure)
	if err != nil {
		return nil, err
	}
	return &Webhook{p}, nil
}

// Host is that of the URL, which is no secret.
func (w *Webhook) Host() string { return w.poster.url.Host }

// Send implements Sender.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	_, err := w.poster.post(ctx, m.JSON)
	return err
}
