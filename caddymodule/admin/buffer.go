package admin

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"

// acceptBuffer takes what is at the buffer's place for the buffer, and answers where that is.
func acceptBuffer(q *request) (any, error) {
	if err := q.Engine.AcceptBuffer(q.Context()); err != nil {
		return nil, err
	}
	return api.Accepted{Accepted: q.Engine.Status(q.Context()).Buffer.Path}, nil
}
