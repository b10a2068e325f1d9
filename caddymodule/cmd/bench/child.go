package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// child is this program again, as a server in a process of its own, so that its use can be
// told from the sender's.
type child struct {
	secure, plain target
	cmd           *exec.Cmd
	stdin         io.WriteCloser
}

// childOrder is what a child reads from its standard input. It ends when that ends.
type childOrder struct {
	Kind, Dir, Cert, Key, Token string
}

// Kinds of children.
const (
	kindBare = "bare"
	kindSink = "sink"
)

// childPlace is what a child answers.
type childPlace struct{ Secure, Plain string }

func startChild(ctx context.Context, order childOrder, cert devcert.Files) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c := &child{cmd: exec.CommandContext(ctx, self, "serve")}
	c.cmd.Stderr = os.Stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s server: %w", order.Kind, err)
	}
	order.Cert, order.Key = cert.Cert, cert.Key
	var place childPlace
	err = json.NewEncoder(c.stdin).Encode(order)
	if err == nil {
		err = json.NewDecoder(stdout).Decode(&place)
	}
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("starting the %s server: %w", order.Kind, err)
	}
	c.secure = target{name: order.Kind + " over TLS", addr: place.Secure, path: "/", tls: cert.Client()}
	c.plain = target{name: order.Kind + " over plain HTTP", addr: place.Plain, path: "/"}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) stop() {
	if c == nil {
		return
	}
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

// syncs asks a bare receiver.
func (c *child) syncs(ctx context.Context) (uint64, error) {
	text, err := get(ctx, "http://"+c.plain.addr+syncsPath)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}

// serveChild is this program as a child.
func serveChild() error {
	in := json.NewDecoder(os.Stdin)
	var order childOrder
	if err := in.Decode(&order); err != nil {
		return fmt.Errorf("reading what to serve: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(order.Cert, order.Key)
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	below, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	secure := tls.NewListener(below, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	serve := sink
	if order.Kind == kindBare {
		log, err := openGroupLog(order.Dir)
		if err != nil {
			return err
		}
		h := bareReceiver(order.Token, log)
		serve = func(l net.Listener) error { return (&http.Server{Handler: h}).Serve(l) }
	}
	failed := make(chan error, 2)
	for _, l := range []net.Listener{plain, secure} {
		go func() { failed <- serve(l) }()
	}
	place := childPlace{Secure: below.Addr().String(), Plain: plain.Addr().String()}
	if err := json.NewEncoder(os.Stdout).Encode(place); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		failed <- nil
	}()
	return <-failed
}

// get reads a small answer.
func get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, answer.Status)
	}
	data, err := io.ReadAll(answer.Body)
	return data, err
}
