package admin

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// serveAttention answers with what stands, where messages about it go, and which were sent.
func serveAttention(q *request) (any, error) { return q.Alerts.Report(), nil }

// testAttention sends each target a message that says it is a test. That one does not get through is no error of the
// order: it stands in the answer.
func testAttention(q *request) (any, error) {
	return api.AttentionTests{Results: q.Alerts.Test(q.Context())}, nil
}
