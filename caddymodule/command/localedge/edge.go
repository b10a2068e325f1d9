// Package localedge runs an edge for a laptop: a real Caddy in this process, with TLS on loopback, a receiver, the disk
// buffer, and all that it touches in one folder. A process has one at most, for it has one Caddy.
package localedge

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// Names of files in the folder of an edge.
const (
	TokenFile = "token"
	CertFile  = "cert.pem"
	LogFile   = "caddy.log"
)

// Options say what the edge has beside a receiver.
type Options struct {
	// Name is of the source, and in the name of the temporary folder.
	Name string
	// Dir is the folder, which stays; it must be empty, or not there. Empty: a temporary one that Close removes.
	Dir string
	// Token is the Application Management Token; empty: one made for the occasion.
	Token string
	// Handlers returns the handlers file, given the folder.
	Handlers func(dir string) string
	// App are more lines of the global option smartcar, Site more directives of the site, behind the receiver.
	App, Site string
	// Admin has Caddy open its admin endpoint, on a socket in the folder.
	Admin bool
}

// Edge is one that runs.
type Edge struct {
	// Dir is the folder, as a whole path.
	Dir string
	// Origin is the address of the site without a path, URL that of the receiver.
	Origin, URL string
	Token       string
	// Admin is the address of the admin endpoint, as in a Caddyfile; empty without.
	Admin string
	// TLS trusts the edge's certificate.
	TLS *tls.Config

	keep bool
}

// The default log stays on stderr, since Caddy says on stderr that it moves it.
var caddyfileTemplate = template.Must(template.New("Caddyfile").Parse(`{
	admin {{with .Edge.Admin}}{{.}}{{else}}off{{end}}
	persist_config off
	auto_https disable_redirects
	storage file_system "{{.Dir}}/caddy"
	log {
		level FATAL
	}
	log {{.Options.Name}} {
		output file "{{.Dir}}/caddy.log"
	}
	smartcar {
		buffer disk {
			path "{{.Dir}}/buffer"
		}
		handlers "{{.Dir}}/handlers.hcl"
		{{- with .Options.App}}
		{{.}}
		{{- end}}
	}
}

https://localhost:{{.Port}} {
	bind 127.0.0.1
	tls "{{.Dir}}/cert.pem" "{{.Dir}}/key.pem"
	smartcar_webhook /webhooks/smartcar {
		source {{.Options.Name}}
		token "{file.{{.Dir}}/token}"
	}
	{{- with .Options.Site}}
	{{.}}
	{{- end}}
}
`))

// Start makes the folder, writes the files and starts Caddy. On an error nothing is left behind.
func Start(o Options) (*Edge, error) {
	dir, err := folder(o)
	if err != nil {
		return nil, err
	}
	e := &Edge{Dir: dir, Token: o.Token}
	if e.Token == "" {
		e.Token = rand.Text()
	}
	if err := e.start(o); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.keep = o.Dir != ""
	return e, nil
}

func (e *Edge) start(o Options) error {
	cert, err := devcert.Write(e.Dir)
	if err != nil {
		return err
	}
	e.TLS = cert.Client()
	port, err := freeLoopbackPort()
	if err != nil {
		return err
	}
	e.Origin = fmt.Sprintf("https://localhost:%d", port)
	e.URL = e.Origin + "/webhooks/smartcar"
	dir := filepath.ToSlash(e.Dir)
	if o.Admin {
		e.Admin = "unix/" + dir + "/admin.sock"
	}

	var caddyfile bytes.Buffer
	err = caddyfileTemplate.Execute(&caddyfile, map[string]any{"Edge": e, "Options": o, "Dir": dir, "Port": port})
	if err != nil {
		return fmt.Errorf("writing the %s's Caddyfile: %w", o.Name, err)
	}
	files := map[string]string{
		"Caddyfile":    caddyfile.String(),
		"handlers.hcl": o.Handlers(dir),
		TokenFile:      e.Token,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(e.Dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("writing the %s's %s: %w", o.Name, name, err)
		}
	}
	return e.startCaddy(caddyfile.Bytes())
}

// folder makes the folder.
func folder(o Options) (string, error) {
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "smartcar-"+o.Name+"-")
		if err != nil {
			return "", fmt.Errorf("making a temporary folder: %w", err)
		}
		return dir, nil
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", fmt.Errorf("finding the folder %s: %w", o.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("looking into the folder: %w", err)
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("the folder %s is not empty: name one that is, or one that is not there yet", o.Dir)
	}
	return dir, nil
}

func (e *Edge) startCaddy(caddyfile []byte) error {
	adapter := caddyconfig.GetAdapter("caddyfile")
	config, warnings, err := adapter.Adapt(caddyfile, map[string]any{"filename": filepath.Join(e.Dir, "Caddyfile")})
	if err != nil {
		return fmt.Errorf("adapting the edge's Caddyfile: %w", err)
	}
	if len(warnings) > 0 {
		return fmt.Errorf("adapting the edge's Caddyfile: %v", warnings[0])
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting Caddy: %w", err)
	}
	return nil
}

// Close stops Caddy, and with it the handlers' processes, and removes a temporary folder.
func (e *Edge) Close() error {
	stopErr := caddy.Stop()
	if e.keep {
		return stopErr
	}
	// Caddy takes its servers' connections down in the background after Stop returned.
	return errors.Join(stopErr, removeAllRetry(e.Dir))
}

// Program is how this program is called again.
func Program() string {
	path, err := os.Executable()
	if err != nil || filepath.Base(filepath.Dir(path)) == "exe" {
		return "go run ./caddymodule/cmd/caddy" // not the throw-away binary of `go run`
	}
	return path
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
