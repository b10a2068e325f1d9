package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// drained is what draining a backlog gave.
type drained struct {
	counted
	// peak is the most memory that the host's process had, in bytes; 0: not known here.
	peak int64
}

func (d drained) perSecond() float64 { return float64(d.Events) / d.Took.Seconds() }

func (d drained) perEvent() time.Duration { return d.Took / time.Duration(max(1, d.Events)) }

// backlog is a written one and how it is drained.
type backlog struct {
	path   string
	events int
	single bool
}

// slowest is the slowest drain that is waited for, in events a second.
const slowest = 500

// drain starts a Caddy on the backlog, with a handler that is new to it and has default
// settings, and waits until the handler has had it all.
func drain(ctx context.Context, opts options, dir string, of backlog, name string, cert devcert.Files) (drained, error) {
	self, err := os.Executable()
	if err != nil {
		return drained{}, err
	}
	args, report := `["plugin"]`, filepath.Join(dir, name+".json")
	if of.single {
		args = `["plugin", "single"]`
	}
	handlers := fmt.Sprintf("handler %q {\n  plugin = %q\n  args = %s\n  start = \"beginning\"\n  config {\n    events = %d\n    report = %q\n  }\n}\n",
		name, self, args, of.events, report)

	ctx, cancel := context.WithCancel(ctx)
	s, err := startServer(ctx, opts.caddy, dir, site{name: name, directive: receive, token: rand.Text(), buffer: of.path, handlers: handlers}, cert)
	defer func() {
		cancel()
		if s != nil {
			<-s.exited
		}
	}()
	if err != nil {
		return drained{}, err
	}
	limit, giveUp := context.WithTimeout(ctx, time.Minute+time.Duration(of.events/slowest)*time.Second)
	defer giveUp()
	d := drained{}
	if d.counted, err = s.awaitReport(limit, report); err != nil {
		return drained{}, fmt.Errorf("draining %d events: %w; %s", of.events, err, s.lastWords())
	}
	d.peak = peakMemory(s.cmd.Process.Pid)
	if d.Disordered > 0 {
		return d, fmt.Errorf("draining %d events: %d came out of order", of.events, d.Disordered)
	}
	return d, nil
}

// awaitReport waits for what the handler says at the end.
func (s *server) awaitReport(ctx context.Context, file string) (counted, error) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		data, err := os.ReadFile(file)
		if err == nil {
			var c counted
			return c, json.Unmarshal(data, &c)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return counted{}, err
		}
		select {
		case <-ctx.Done():
			return counted{}, ctx.Err()
		case err := <-s.exited:
			s.exited <- err
			return counted{}, fmt.Errorf("caddy ended: %w", err)
		case <-ticker.C:
		}
	}
}
