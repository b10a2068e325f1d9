package main

import (
	"cmp"
	"context"
	"errors"
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
	// admin is the address of its admin endpoint.
	admin string
	// buffer is the path of its buffer.
	buffer string
	// begun is when its process was started.
	begun  time.Time
	cmd    *exec.Cmd
	log    string
	end    context.CancelFunc
	exited chan error
}

// startServer runs binary with a site and waits until it takes connections.
func startServer(ctx context.Context, binary, dir string, of site, cert devcert.Files) (*server, error) {
	s, err := launchServer(ctx, binary, dir, of, cert)
	if err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// launchServer runs binary with a site and does not wait for it.
func launchServer(ctx context.Context, binary, dir string, of site, cert devcert.Files) (*server, error) {
	home := filepath.Join(dir, of.name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	var ports [3]int
	for i := range ports {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		ports[i] = port
	}
	if of.buffer == "" {
		of.buffer = filepath.Join(home, "buffer")
	}
	config, err := of.write(filled{Home: home, Admin: ports[0], Secure: ports[1], Plain: ports[2], Cert: cert.Cert, Key: cert.Key})
	if err != nil {
		return nil, err
	}
	// Killing by context is for an interrupted run; a finished one stops its servers itself.
	ctx, end := context.WithCancel(ctx)
	s := &server{
		admin:  fmt.Sprintf("http://localhost:%d", ports[0]),
		secure: target{name: of.name + " over TLS", addr: fmt.Sprintf("localhost:%d", ports[1]), path: "/", tls: cert.Client()},
		plain:  target{name: of.name + " over plain HTTP", addr: fmt.Sprintf("localhost:%d", ports[2]), path: "/"},
		buffer: of.buffer,
		cmd:    exec.CommandContext(ctx, binary, "run", "--config", config),
		log:    filepath.Join(home, "caddy.log"),
		end:    end,
		exited: make(chan error, 1),
	}
	s.cmd.Env = append(os.Environ(), "SMARTCAR_TOKEN="+of.token, "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	s.cmd.Stderr = os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.WaitDelay = 10 * time.Second
	s.begun = time.Now()
	if err := s.cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("starting %s: %w", of.name, err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	return s, nil
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// stop ends the process and waits for it. It may be called twice, and of nil.
func (s *server) stop() {
	if s == nil {
		return
	}
	s.end()
	s.exited <- <-s.exited
}

func (s *server) waitReady(ctx context.Context) error {
	_, err := s.poll(ctx, func() bool {
		conn, err := dial(ctx, s.secure)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return err
}

// firstAnswer waits until a signed event is answered with 200, and says how long that is
// after the start of the process.
func (s *server) firstAnswer(ctx context.Context, bodies *bodyMaker) (time.Duration, error) {
	return s.poll(ctx, func() bool {
		conn, err := dial(ctx, s.secure)
		if err != nil {
			return false
		}
		defer conn.Close()
		status, err := postOne(conn, s.secure, bodies)
		return err == nil && status == 200
	})
}

// poll asks again and again until something is so, and says how long that is after the
// start of the process.
func (s *server) poll(ctx context.Context, so func() bool) (time.Duration, error) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for {
		if so() {
			return time.Since(s.begun), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case err := <-s.exited:
			s.exited <- err
			return 0, fmt.Errorf("%s ended at its start: %w; %s", s.secure.name, cmp.Or(err, errors.New("exit status 0")), s.lastWords())
		case <-deadline:
			return 0, fmt.Errorf("%s does not answer after a minute; %s", s.secure.name, s.lastWords())
		case <-ticker.C:
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
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
