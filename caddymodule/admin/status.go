package admin

import (
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

func serveStatus(q *request) (any, error) {
	return q.status(), nil
}

// status is how things stand now.
func (q *request) status() api.Status {
	now := time.Now()
	s := q.Engine.Status(q.Context())
	if caddy.Exiting() {
		// Handlers have let go already, and the buffer follows.
		s.Receiving, s.Error = engine.ReceivingClosed, nil
	}
	if s.Receiving != engine.ReceivingClosed {
		q.DeadLetters.Look(q.Context(), now, q.Engine, s.Buffer.DeadLetters)
	}
	v := status.Make(now, s, q.Traffic, q.DeadLetters, q.Limits, q.Receivers)
	v.Notices = append(v.Notices, status.DriftNotices(q.ChangedFiles())...)
	build := buildinfo.Read()
	v.Version = api.Version{Version: build.Version, Revision: build.Revision, Modified: build.Modified}
	return v
}
