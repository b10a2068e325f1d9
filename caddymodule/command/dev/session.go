package dev

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/command/localedge"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/fleet"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// appLines have the log tell of each step of an event; answers are read from there.
const appLines = "log_stages all"

// siteLines stand in the edge's site behind the receiver. The directive of a console belongs here, and its address into
// the greeting.
const siteLines = "respond 404"

const eventsFile = "events.jsonl"

// The breaker's short cooldown: an application that was started again gets its events within seconds.
const (
	toApplication = `handler "application" {
  plugin = "http"

  breaker {
    cooldown = "2s"
  }

  config {
    url = %s
  }
}
`
	toScreen = `handler "screen" {
  plugin = "jsonl"

  config {
    path = %s
  }
}
`
)

// session is a run of the command.
type session struct {
	flags  flags
	edge   *localedge.Edge
	poster *simulator.Poster
	keys   *smartcar.Keys
	lines  io.Writer // of events; nil where they are forwarded
	screen *screen
}

func newSession(f flags, lines, says io.Writer) (*session, error) {
	token, err := f.token()
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(says, "Starting Caddy with the receiver, the disk buffer and one handler ...")
	edge, err := localedge.Start(localedge.Options{
		Name: "dev", Dir: f.keep, Token: token, App: appLines, Site: siteLines, Admin: true, Handlers: f.handlers,
	})
	if err != nil {
		return nil, err
	}
	s := &session{
		flags: f, edge: edge, lines: lines, screen: newScreen(says),
		poster: simulator.NewPoster(edge.URL, edge.TLS), keys: smartcar.NewKeys(edge.Token),
	}
	s.greet(says)
	return s, nil
}

// handlers is the handlers file of an edge in a folder.
func (f flags) handlers(dir string) string {
	if f.forwardTo != "" {
		return fmt.Sprintf(toApplication, quoted(f.forwardTo))
	}
	return fmt.Sprintf(toScreen, quoted(dir+"/"+eventsFile))
}

// quoted is a text of HCL in which nothing is replaced.
func quoted(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(s))
}

func (s *session) greet(w io.Writer) {
	f := s.flags
	fmt.Fprintf(w, "Receiving at   %s\n", s.edge.URL)
	if f.forwardTo != "" {
		fmt.Fprintf(w, "Forwarding to  %s\n", s.target())
	} else {
		fmt.Fprintln(w, "Events are printed, a line of JSON each; --forward-to URL sends them to your application.")
	}
	if f.tokenFile == "" {
		fmt.Fprintf(w, "\nThe token, made for this run; the application verifies SC-Signature with it:\n\n  SMARTCAR_TOKEN=%s\n", s.edge.Token)
	} else {
		fmt.Fprintln(w, "\nThe application verifies SC-Signature with the token of --token-file.")
	}
	fmt.Fprintf(w, `
%s, events a second: %v. The same again: --vehicles %[3]d --rate %[2]v --seed %[4]d
Ctrl-C ends it. In another terminal:

  %[5]s smartcar status --address %[6]s
  %[5]s smartcar dead-letters --address %[6]s
  %[5]s smartcar send %[7]s --token-file %[8]s --ca %[9]s

`, text.Plural(uint64(f.fleet.Vehicles), "vehicle"), f.fleet.Rate, f.fleet.Vehicles, f.fleet.Seed,
		localedge.Program(), s.edge.Admin, s.edge.URL,
		filepath.Join(s.edge.Dir, localedge.TokenFile), filepath.Join(s.edge.Dir, localedge.CertFile))
}

// target is where events go, without a query, which may hold a secret.
func (s *session) target() string {
	before, _, _ := strings.Cut(s.flags.forwardTo, "?")
	return before
}

// play sends the plan, and shows what becomes of it, until ctx ends, or the plan and what waits for it.
func (s *session) play(ctx context.Context, plan *fleet.Plan) {
	watch, stop := context.WithCancel(context.Background())
	var followers sync.WaitGroup
	followers.Go(func() { follow(watch, filepath.Join(s.edge.Dir, localedge.LogFile), s.screen.logLine) })
	if s.lines != nil {
		followers.Go(func() {
			follow(watch, filepath.Join(s.edge.Dir, eventsFile), func(line []byte) { _, _ = s.lines.Write(line) })
		})
	}
	fleet.Run(ctx, plan, s.send)
	if ctx.Err() == nil {
		s.screen.settle(ctx)
	}
	stop()
	followers.Wait()
}

// send makes a delivery.
func (s *session) send(ctx context.Context, d fleet.Delivery) bool {
	s.screen.sending(d)
	body := d.Body(time.Now())
	answer := s.poster.Post(ctx, body, s.keys.Sign(body))
	if ctx.Err() != nil && answer.Err != nil {
		s.screen.unsent(d)
		return false
	}
	s.screen.sent(d, answer)
	return answer.Accepted()
}

// close ends the edge and says what came of it all.
func (s *session) close() error {
	fmt.Fprintln(s.screen.out, "\nEnding ...")
	s.poster.Close()
	err := s.edge.Close()
	s.screen.summary()
	if s.flags.keep != "" {
		fmt.Fprintf(s.screen.out, "Kept in %[1]s; %[2]s run --config %[1]s/Caddyfile goes on with it.\n", s.edge.Dir, localedge.Program())
	}
	return err
}
