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
	exited        chan error
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
			path %[1]s/buffer
		}
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

// startServer runs binary with the directive as the site's only content.
func startServer(ctx context.Context, binary, dir, name, directive, token string, cert devcert.Files) (*server, error) {
	home := filepath.Join(dir, name)
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
	text := fmt.Sprintf(caddyfile, home, securePort, cert.Cert, cert.Key, plainPort, directive)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}

	s := &server{
		secure: target{name: name + " over TLS", addr: fmt.Sprintf("localhost:%d", securePort), path: "/", tls: cert.Client()},
		plain:  target{name: name + " over plain HTTP", addr: fmt.Sprintf("localhost:%d", plainPort), path: "/"},
		cmd:    exec.CommandContext(ctx, binary, "run", "--config", config),
		exited: make(chan error, 1),
	}
	s.cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+token, "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	s.cmd.Stderr = os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.WaitDelay = 10 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	return s, s.waitReady(ctx, filepath.Join(home, "caddy.log"))
}

func (s *server) waitReady(ctx context.Context, logFile string) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.exited:
			return fmt.Errorf("%s ended at its start (%v); see %s", s.secure.name, err, logFile)
		case <-deadline:
			return fmt.Errorf("%s does not answer after 30 s; see %s", s.secure.name, logFile)
		case <-ticker.C:
			if conn, err := dial(ctx, s.secure); err == nil {
				conn.Close()
				return nil
			}
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
