package notify

import (
	"context"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// dying takes messages, but is killed when it has taken the one with this number: nothing of that is written down.
type dying struct {
	*place
	at, n int
	err   error
}

func (d *dying) Send(ctx context.Context, m send.Message) error {
	if err := d.place.Send(ctx, m); err != nil {
		return err
	}
	if d.n++; d.n == d.at {
		return d.err
	}
	return nil
}
