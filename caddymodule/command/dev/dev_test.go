package dev

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/fleet"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "395ed296-d012-46d3-b99e-bf702ea00b1c"

func log(event, more string) []byte {
	return fmt.Appendf(nil, `{"msg":"x","event":%q,"event_id":%q,"attempt":1,"duration":0.012%s}`+"\n", event, id, more)
}

func TestAnswersAreShown(t *testing.T) {
	down := log("processing.failed", `,"reason":"unavailable","error":"localhost:3000: connecting failed: connection refused"`)
	done := log("processing.completed", "")
	for _, tt := range []struct {
		name  string
		lines [][]byte
		want  string // without the times of day
	}{
		{"done", [][]byte{done}, "answered  395ed296  done in 12ms\n"},
		{
			"a retry", [][]byte{log("processing.failed", `,"reason":"retry","error":"localhost:3000 answered 500"`)},
			"answered  395ed296  localhost:3000 answered 500; attempt 1, it is tried again\n",
		},
		{
			"no answer", [][]byte{log("processing.failed", `,"reason":"timeout"`)},
			"answered  395ed296  timeout; attempt 1, it is tried again\n",
		},
		{
			"down is said once", [][]byte{down, down, done, done},
			"The application takes no events: localhost:3000: connecting failed: connection refused. They wait for it.\n" +
				"The application takes events again.\n" +
				"answered  395ed296  done in 12ms\nanswered  395ed296  done in 12ms\n",
		},
		{
			"another token", [][]byte{log("processing.failed", `,"reason":"unavailable","error":"localhost:3000 answered 401:`+
				` check what this handler's config has for authorization, and that the application takes it"`)},
			"The application takes no events: localhost:3000 answered 401 (does it have the token above?). They wait for it.\n",
		},
		{
			"a dead letter", [][]byte{
				log("processing.failed", `,"reason":"rejected","error":"localhost:3000 answered 400"`),
				[]byte(`{"msg":"event became a dead letter: the handler will not get it again by itself","event_id":"` + id +
					`","reason":"rejected","error":"localhost:3000 answered 400"}`),
			}, "gave up   395ed296  a dead letter: localhost:3000 answered 400\n",
		},
		{"nothing else", [][]byte{log("processing.started", ""), log("webhook.received", ""), []byte("no JSON\n")}, ""},
		{"no escape", [][]byte{log("processing.failed", `,"reason":"retry","error":"\u001b[2J"`)}, "answered  395ed296  ?[2J; attempt 1, it is tried again\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := newScreen(&out)
			for _, line := range tt.lines {
				s.logLine(line)
			}
			got := ""
			for line := range strings.Lines(out.String()) {
				got += line[len("15:04:05  "):]
			}
			if got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// The end waits for what was sent and is not settled, however fast the handler is.
func TestSettle(t *testing.T) {
	plan, err := fleet.NewPlan(fleet.Options{Vehicles: 1, Rate: 1, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := plan.Next()
	done := bytes.ReplaceAll(log("processing.completed", ""), []byte(id), []byte(d.ID))
	stored := simulator.Reply{Status: 200, Code: "stored"}
	for _, tt := range []struct {
		name    string
		happens func(*screen)
		waits   bool
	}{
		{"nothing was sent", func(*screen) {}, false},
		{"the answer is awaited", func(s *screen) { s.sending(d); s.sent(d, stored) }, true},
		{"it came", func(s *screen) { s.sending(d); s.sent(d, stored); s.logLine(done) }, false},
		{"it came before the edge's", func(s *screen) { s.sending(d); s.logLine(done); s.sent(d, stored) }, false},
		{"it was refused", func(s *screen) { s.sending(d); s.sent(d, simulator.Reply{Status: 503}) }, false},
		{"it was cut off", func(s *screen) { s.sending(d); s.unsent(d) }, false},
		{"it came again later", func(s *screen) {
			s.sending(d)
			s.sent(d, stored)
			s.logLine(done)
			again := d
			again.Kind = fleet.Again
			s.sending(again)
			s.sent(again, stored)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScreen(new(bytes.Buffer))
				tt.happens(s)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				s.settle(ctx)
				if waited := ctx.Err() != nil; waited != tt.waits {
					t.Errorf("it waits: %v, want %v", waited, tt.waits)
				}
			})
		})
	}
}

// Lines come whole, also from a file that is not there yet, and from the one that takes its place.
func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var mu sync.Mutex
	var got strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		follow(ctx, path, func(line []byte) {
			mu.Lock()
			defer mu.Unlock()
			got.Write(line)
		})
	}()
	has := func(want string) {
		t.Helper()
		for {
			mu.Lock()
			now := got.String()
			mu.Unlock()
			if now == want {
				return
			}
			if !strings.HasPrefix(want, now) || t.Context().Err() != nil {
				t.Fatalf("got %q, want %q", now, want)
			}
			time.Sleep(time.Millisecond) // waits for a condition
		}
	}
	add := func(text string) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 10_000) + "\n"
	add("one\ntw")
	has("one\n")
	add("o\n" + long)
	has("one\ntwo\n" + long)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add("three\n")
	has("one\ntwo\n" + long + "three\n")
	add("four\nnot whole")
	cancel()
	<-ended
	has("one\ntwo\n" + long + "three\nfour\n")
}

// An address is a text, whatever HCL would make of it.
func TestQuoted(t *testing.T) {
	if got := quoted(`http://localhost/${env.X}%{if}"`); got != `"http://localhost/$${env.X}%%{if}\""` {
		t.Error(got)
	}
}
