package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// Directives that are a site's only content.
const (
	receive = "smartcar_webhook {\n\t\ttoken {env.SMARTCAR_TOKEN}\n\t}"
	respond = "respond 200"
)

// site is what differs between the servers of a run.
type site struct {
	// name of the server and of its folder.
	name string
	// directive is all that the site does.
	directive string
	// app are more lines of the app's block.
	app string
	// buffer is the path of its buffer; "": one of its own.
	buffer string
	// maxSize of the buffer; "": the default.
	maxSize string
	// handlers is the content of its handlers file; "": none.
	handlers string
	token    string
}

var caddyfile = template.Must(template.New("Caddyfile").Parse(`{
	admin localhost:{{.Admin}}
	persist_config off
	auto_https disable_redirects
	storage file_system {{.Home}}
	log {
		output file {{.Home}}/caddy.log
	}
	smartcar {
		buffer disk {
			path {{.Buffer}}
			{{with .MaxSize}}max_size {{.}}{{end}}
		}
		{{with .Handlers}}handlers {{.}}{{end}}
		{{.App}}
	}
}
https://localhost:{{.Secure}} {
	tls {{.Cert}} {{.Key}}
	{{.Directive}}
}
http://localhost:{{.Plain}} {
	{{.Directive}}
}
`))

// filled is what the Caddyfile's template takes.
type filled struct {
	Home, Buffer, MaxSize, Handlers, App, Cert, Key, Directive string
	Admin, Secure, Plain                                       int
}

// write puts the site's files into its folder and returns the Caddyfile's path.
func (s site) write(f filled) (string, error) {
	f.Buffer, f.MaxSize, f.Directive, f.App = s.buffer, s.maxSize, s.directive, s.app
	if f.Buffer == "" {
		f.Buffer = filepath.Join(f.Home, "buffer")
	}
	if s.handlers != "" {
		f.Handlers = filepath.Join(f.Home, "handlers.hcl")
		if err := os.WriteFile(f.Handlers, []byte(s.handlers), 0o600); err != nil {
			return "", fmt.Errorf("writing the handlers file: %w", err)
		}
	}
	var text strings.Builder
	if err := caddyfile.Execute(&text, f); err != nil {
		return "", fmt.Errorf("making the Caddyfile: %w", err)
	}
	config := filepath.Join(f.Home, "Caddyfile")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		return "", fmt.Errorf("writing the Caddyfile: %w", err)
	}
	return config, nil
}
