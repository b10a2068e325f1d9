package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// server is one Caddy process with the same site twice: over TLS and in plain HTTP.
type server struct {
	secure, plain target
	cmd           *exec.Cmd
	log           string
	exited        chan error
}

// receive is the receiver as a site's only content.
const receive = "smartcar_webhook {\n\t\ttoken {env.SMARTCAR_TOKEN}\n\t}"

// site is what differs between the servers of a run.
type site struct {
	// name of the server and of its folder.
	name string
	// directive is all that the site does.
	directive string
	// buffer is the path of its buffer; "": one of its own.
	buffer string
	// handlers is the content of its handlers file; "": none.
	handlers string
	token    string
}

const caddyfile = `{
	admin off
	persist_config off
	auto_https disable_redirects
	storage file_system %[1]s
	log {
		output file %[1]s/caddy.log
	}
	smartcar {
		buffer disk {
			path %[7]s
		}
		%[8]s
	}
}
https://localhost:%[2]d {
	tls %[3]s %[4]s
	%[6]s
}
http://localhost:%[5]d {
	%[6]s
}
`

// startServer runs binary with a site.
func startServer(ctx context.Context, binary, dir string, of site, cert devcert.Files) (*server, error) {
	home := filepath.Join(dir, of.name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	securePort, err := freePort()
	if err != nil {
		return nil, err
	}
	plainPort, err := freePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(home, "Caddyfile")
	if of.buffer == "" {
		of.buffer = filepath.Join(home, "buffer")
	}
	handlers := ""
	if of.handlers != "" {
		file := filepath.Join(home, "handlers.hcl")
		if err := os.WriteFile(file, []byte(of.handlers), 0o600); err != nil {
			return nil, err
		}
		handlers = "handlers " + file
	}
	text := fmt.Sprintf(caddyfile, home, securePort, cert.Cert, cert.Key, plainPort, of.directive, of.buffer, handlers)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}

	s := &server{
		secure: target{name: of.name + " over TLS", addr: fmt.Sprintf("localhost:%d", securePort), path: "/", tls: cert.Client()},
		plain:  target{name: of.name + " over plain HTTP", addr: fmt.Sprintf("localhost:%d", plainPort), path: "/"},
		cmd:    exec.CommandContext(ctx, binary, "run", "--config", config),
		log:    filepath.Join(home, "caddy.log"),
		exited: make(chan error, 1),
	}
	s.cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+of.token, "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	s.cmd.Stderr = os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.WaitDelay = 10 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", of.name, err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	return s, s.waitReady(ctx)
}

func (s *server) waitReady(ctx context.Context) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("%s ended at its start (%v); %s", s.secure.name, err, s.lastWords())
		case <-deadline:
			return fmt.Errorf("%s does not answer after 30 s; %s", s.secure.name, s.lastWords())
		case <-ticker.C:
			if conn, err := dial(ctx, s.secure); err == nil {
				conn.Close()
				return nil
			}
		}
	}
}

// lastWords is the end of the server's log, which goes with the run's folder.
func (s *server) lastWords() string {
	data, err := os.ReadFile(s.log)
	if err != nil {
		return "there is no log: " + err.Error()
	}
	return "its log ends with:\n" + string(data[max(0, len(data)-4096):])
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
