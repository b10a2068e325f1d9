package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// drained is what draining a backlog gave.
type drained struct {
	counted
	// backlog is how many events were to be drained.
	backlog int
	// peak is the most memory that the host's process had, in bytes; 0: not known here.
	peak int64
	// begin is the time from the start of Caddy to the first event in the handler's process.
	begin time.Duration
}

func (d drained) perSecond() float64 { return float64(d.Events) / d.Took.Seconds() }

func (d drained) perEvent() time.Duration { return d.Took / time.Duration(max(1, d.Events)) }

// backlog is a written one and how it is drained.
type backlog struct {
	path   string
	events int
	single bool
	// consumer is the name of the handler that it waits for; "": one that is new.
	consumer string
}

// slowest is the slowest drain that is waited for, in events a second.
const slowest = 500

// block is a handler with default settings that runs this program.
func block(name, args string, events int, report string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return fmt.Sprintf("handler %q {\n  plugin = %q\n  args = %s\n  start = \"beginning\"\n  config {\n    events = %d\n    report = %q\n  }\n}\n",
		name, self, args, events, report), nil
}

// drain starts a Caddy on the backlog, with a handler that has default settings, and waits
// until the handler has had it all.
func (b *bench) drain(ctx context.Context, of backlog, name string) (drained, error) {
	args, report := `["plugin"]`, filepath.Join(b.dir, name+".json")
	if of.single {
		args = `["plugin", "single"]`
	}
	if of.consumer == "" {
		of.consumer = name
	}
	handlers, err := block(of.consumer, args, of.events, report)
	if err != nil {
		return drained{}, err
	}
	s, err := b.launch(ctx, site{name: name, buffer: of.path, handlers: handlers})
	if err != nil {
		return drained{}, err
	}
	defer s.stop()
	limit, giveUp := context.WithTimeout(ctx, time.Minute+time.Duration(of.events/slowest)*time.Second)
	defer giveUp()
	d := drained{backlog: of.events}
	if d.counted, err = s.awaitReport(limit, report); err != nil {
		return drained{}, fmt.Errorf("draining %d events: %w; %s", of.events, err, s.lastWords())
	}
	d.begin = d.First.Sub(s.begun)
	u, _ := use(s.pid())
	d.peak = u.Peak
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
