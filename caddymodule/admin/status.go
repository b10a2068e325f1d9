package admin

import (
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

// limitsOf knows the disk buffer; what another buffer is bounded by is not known here.
func limitsOf(opener buffer.Opener) status.Limits {
	m, ok := opener.(*disk.Module)
	if !ok {
		return status.Limits{}
	}
	l := status.Limits{MaxSize: disk.DefaultMaxSize, Retention: disk.DefaultRetention}
	if m.MaxSize > 0 {
		l.MaxSize = m.MaxSize
	}
	if m.Retention > 0 {
		l.Retention = time.Duration(m.Retention)
	}
	return l
}

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
		q.DeadLetters.Look(q.Context(), now, q.Engine, s.Buffer.DeadLetters, lettersSince(q.Buffer))
	}
	return status.Make(now, s, q.Traffic, q.DeadLetters, limitsOf(q.Buffer))
}

// lettersSince knows the disk buffer's ids; nil for those of another buffer.
func lettersSince(opener buffer.Opener) func(time.Time) buffer.DeadLetterID {
	if _, ok := opener.(*disk.Module); ok {
		return disk.LetterTime
	}
	return nil
}
