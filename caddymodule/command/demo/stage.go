package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// stage is a real Caddy in this process, with everything it touches in one
// temporary folder.
type stage struct {
	dir    string
	url    string
	token  string
	events string // the file that the jsonl handler writes
	client *http.Client
}

// The default log stays on stderr, since Caddy says on stderr that it moves it.
var caddyfileTemplate = template.Must(template.New("Caddyfile").Parse(`{
	admin off
	persist_config off
	auto_https disable_redirects
	storage file_system "{{.Dir}}/caddy"
	log {
		level FATAL
	}
	log demo {
		output file "{{.Dir}}/caddy.log"
	}
	smartcar {
		buffer disk {
			path "{{.Dir}}/buffer"
		}
		handlers "{{.Dir}}/handlers.hcl"
	}
}

https://localhost:{{.Port}} {
	bind 127.0.0.1
	tls "{{.Dir}}/cert.pem" "{{.Dir}}/key.pem"
	smartcar_webhook /webhooks/smartcar {
		source demo
		token "{file.{{.Dir}}/token}"
	}
}
`))

const handlersFile = `handler "archive" {
  plugin = "jsonl"

  config {
    path = %q
  }
}
`

// newStage makes the folder, writes the files and starts Caddy. On an error
// nothing is left behind.
func newStage() (s *stage, err error) {
	dir, err := os.MkdirTemp("", "smartcar-demo-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	s = &stage{dir: dir, token: rand.Text(), events: filepath.Join(dir, "events.jsonl")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()

	cert, err := devcert.Write(dir)
	if err != nil {
		return s, err
	}
	port, err := freeLoopbackPort()
	if err != nil {
		return s, err
	}
	s.url = fmt.Sprintf("https://localhost:%d/webhooks/smartcar", port)
	s.client = &http.Client{
		Transport: &http.Transport{TLSClientConfig: cert.Client(), ForceAttemptHTTP2: true},
		Timeout:   15 * time.Second, // Smartcar's own limit
	}

	var caddyfile bytes.Buffer
	err = caddyfileTemplate.Execute(&caddyfile, map[string]any{"Dir": filepath.ToSlash(dir), "Port": port})
	if err != nil {
		return s, fmt.Errorf("writing the demo's Caddyfile: %w", err)
	}
	files := map[string]string{
		"Caddyfile":    caddyfile.String(),
		"handlers.hcl": fmt.Sprintf(handlersFile, filepath.ToSlash(s.events)),
		"token":        s.token,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return s, fmt.Errorf("writing the demo's %s: %w", name, err)
		}
	}
	return s, s.startCaddy(caddyfile.Bytes())
}

func (s *stage) startCaddy(caddyfile []byte) error {
	adapter := caddyconfig.GetAdapter("caddyfile")
	config, warnings, err := adapter.Adapt(caddyfile, map[string]any{"filename": filepath.Join(s.dir, "Caddyfile")})
	if err != nil {
		return fmt.Errorf("adapting the demo's Caddyfile: %w", err)
	}
	if len(warnings) > 0 {
		return fmt.Errorf("adapting the demo's Caddyfile: %v", warnings[0])
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting Caddy: %w", err)
	}
	return nil
}

// close stops Caddy, and with it the handler's process, and removes the folder.
func (s *stage) close() error {
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	stopErr := caddy.Stop()
	// Caddy takes its servers' connections down in the background after Stop returned.
	return errors.Join(stopErr, removeAllRetry(s.dir))
}

// removeAllRetry outlasts a writer that is just about to end, such as Caddy's log.
func removeAllRetry(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for {
		err := os.RemoveAll(dir)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freeLoopbackPort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
