package demo

import (
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/command/localedge"
)

// stage is an edge with one handler that writes what it receives.
type stage struct {
	*localedge.Edge
	events string // the file that the jsonl handler writes
	client *http.Client
}

const (
	eventsFile   = "events.jsonl"
	handlersFile = `handler "archive" {
  plugin = "jsonl"

  config {
    path = %q
  }
}
`
)

// newStage starts the edge. On an error nothing is left behind.
func newStage() (*stage, error) {
	edge, err := localedge.Start(localedge.Options{
		Name:     "demo",
		Handlers: func(dir string) string { return fmt.Sprintf(handlersFile, path.Join(dir, eventsFile)) },
	})
	if err != nil {
		return nil, err
	}
	return &stage{
		Edge:   edge,
		events: filepath.Join(edge.Dir, eventsFile),
		client: &http.Client{
			Transport: &http.Transport{TLSClientConfig: edge.TLS, ForceAttemptHTTP2: true},
			Timeout:   15 * time.Second, // Smartcar's own limit
		},
	}, nil
}

// close stops Caddy, and with it the handler's process, and removes the folder.
func (s *stage) close() error {
	s.client.CloseIdleConnections()
	return s.Close()
}
