package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// check compares what a buffer holds with the ids that it should hold.
func (c content) check(t *testing.T, want []string, anyOrder bool, letters int) {
	t.Helper()
	var got []string
	for _, ev := range c.events {
		got = append(got, ev.ID)
		if ev.Source != "default" || ev.ReceivedAt.IsZero() || len(ev.Signature) != 64 {
			t.Errorf("event %s: source %q, received at %v, signature %q", ev.ID, ev.Source, ev.ReceivedAt, ev.Signature)
		}
	}
	if anyOrder {
		slices.Sort(got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events in the buffer: %s", diff)
	}
	if len(c.deadLetters) != letters {
		t.Errorf("%d dead letters, want %d", len(c.deadLetters), letters)
	}
	for _, l := range c.deadLetters {
		unreadable := l.Reason == buffer.ReasonUnreadable && l.Event.Unreadable != ""
		conflict := l.Reason == buffer.ReasonConflict && l.Event.Unreadable == ""
		if l.Handler != "" || !unreadable && !conflict {
			t.Errorf("dead letter with reason %q of handler %q: %s", l.Reason, l.Handler, l.Event.Unreadable)
		}
	}
}

// logged checks that a word was logged, or was not.
func logged(word string, want bool) step {
	return func(t *testing.T, e *edge) {
		t.Helper()
		if got := strings.Contains(e.log(t), word); got != want {
			t.Errorf("log has %q: %v, want %v", word, got, want)
		}
	}
}

// partial is a signed request whose body has begun to arrive.
type partial struct {
	net.Conn
	answers *bufio.Reader
	rest    string // of the body
}

// begin sends the first part of a request and returns when the receiver is reading
// its body: only then the server asks for it with a 100.
func begin(t *testing.T, e *edge) *partial {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(e.dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	body := state("part", "")
	_, err = fmt.Fprintf(conn, "POST /hook HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\n"+
		"SC-Signature: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		smartcar.Sign(newToken, []byte(body)), len(body))
	if err != nil {
		t.Fatal(err)
	}
	p := &partial{Conn: conn, answers: bufio.NewReader(conn), rest: body[10:]}
	if status, _ := p.answer(t); status != http.StatusContinue {
		t.Fatalf("status %d instead of 100", status)
	}
	if _, err := io.WriteString(conn, body[:10]); err != nil {
		t.Fatal(err)
	}
	return p
}

// answer reads the next answer.
func (p *partial) answer(t *testing.T) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(p.answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// finish sends the rest of the body and returns the answer.
func (p *partial) finish(t *testing.T) (int, string) {
	t.Helper()
	if _, err := io.WriteString(p, p.rest); err != nil {
		t.Fatal(err)
	}
	return p.answer(t)
}

// dripping sends a byte now and then until there is an answer. Caddy's own limit
// would wait a minute after each byte.
func dripping(t *testing.T, e *edge) {
	t.Helper()
	p := begin(t, e)
	answered, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := range len(p.rest) - 1 {
			select {
			case <-answered:
				return
			case <-tick.C:
			}
			if _, err := io.WriteString(p, p.rest[i:i+1]); err != nil {
				return
			}
		}
	}()
	status, text := p.answer(t)
	close(answered)
	<-ended
	if status != http.StatusRequestTimeout || !strings.Contains(text, "body_too_slow") {
		t.Errorf("%d %s", status, text)
	}
}

// hangingUp closes the connection in the middle of the body, and waits until the
// receiver has noticed.
func hangingUp(t *testing.T, e *edge) {
	t.Helper()
	if err := begin(t, e).Close(); err != nil {
		t.Fatal(err)
	}
	e.awaitLog(t, `"code":"body_not_received"`)
	if strings.Contains(e.log(t), `"level":"error"`) {
		t.Error("a client that hangs up is no error of ours")
	}
}
