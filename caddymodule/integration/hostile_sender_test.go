package integration

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// honest is a fleet that sends at its own pace beside an attack, every other event on a
// connection of its own.
type honest struct {
	fleet *fleet
	kept  http.RoundTripper
	fresh *http.Transport
	turn  atomic.Int64
	worst worst
}

// worst is the longest of several times.
type worst struct{ atomic.Int64 }

func (w *worst) Load() time.Duration { return time.Duration(w.Int64.Load()).Round(time.Millisecond) }

func (w *worst) note(d time.Duration) {
	for {
		old := w.Int64.Load()
		if int64(d) <= old || w.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

func newHonest(s *site) *honest {
	h := &honest{
		fleet: newFleet(s, 4), kept: s.client.Transport,
		fresh: &http.Transport{TLSClientConfig: s.cert.Client(), DisableKeepAlives: true},
	}
	h.fleet.sizes = []int{0, 5 << 10, 0, 16 << 10, 0, 50_000} // 50 kB is Smartcar's limit
	// Smartcar waits as long.
	h.fleet.client = &http.Client{Transport: h, Timeout: 15 * time.Second}
	return h
}

// RoundTrip paces and measures.
func (h *honest) RoundTrip(r *http.Request) (*http.Response, error) {
	<-time.After(25 * time.Millisecond)
	via := h.kept
	if h.turn.Add(1)%2 == 0 {
		via = h.fresh
	}
	begun := time.Now()
	defer func() { h.worst.note(time.Since(begun)) }()
	return via.RoundTrip(r)
}

func (h *honest) failures() int {
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	failed := len(h.fleet.broken)
	for _, n := range h.fleet.refused {
		failed += n
	}
	return failed
}

// check fails the test if the honest sender was refused. A busy machine may keep its request from arriving in time: now
// and then that is no fault of Caddy's, and the event was sent again, as Smartcar does.
func (h *honest) check(t *testing.T) {
	t.Helper()
	failed := h.failures()
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	late := len(h.fleet.broken) + h.fleet.refused[http.StatusRequestTimeout]
	if late != failed || late > h.fleet.acked/100 {
		t.Errorf("of %d events, the honest sender was refused %v and not answered %d times: %v", h.fleet.acked,
			h.fleet.refused, len(h.fleet.broken), errors.Join(h.fleet.broken...))
	}
}

// tally counts answers: a status, "closed" or what else became of a connection.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (c *tally) add(answer string) { c.addTimes(answer, 1) }

func (c *tally) addTimes(answer string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[answer] += n
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, answer := range slices.Sorted(maps.Keys(c.counts)) {
		parts = append(parts, fmt.Sprintf("%s × %d", answer, c.counts[answer]))
	}
	return strings.Join(parts, ", ")
}

// only fails the test if there was an answer other than these.
func (c *tally) only(t *testing.T, answers ...string) *tally {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.counts) == 0 {
		t.Error("no answer at all")
	}
	for answer, n := range c.counts {
		if !slices.Contains(answers, answer) {
			t.Errorf("%d times %q, want only %q", n, answer, answers)
		}
	}
	return c
}

// parallel runs f so many times, on so many goroutines.
func parallel(times, goroutines int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(times, goroutines) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < times; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// dial opens a TLS connection for HTTP/1.1. Deadlines are well above the server's.
func (h *hostile) dial(t *testing.T, protocols ...string) *tls.Conn {
	t.Helper()
	config := h.s.cert.Client()
	config.NextProtos = append([]string(nil), protocols...)
	dialer := &net.Dialer{Timeout: 30 * time.Second}
	conn, err := tls.DialWithDialer(dialer, "tcp", h.address(), config)
	if err != nil {
		t.Logf("connecting: %v", err)
		h.unopened.Add(1)
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(90 * time.Second))
	return conn
}

func (h *hostile) address() string { return net.JoinHostPort("localhost", strconv.Itoa(h.s.port)) }

// webhookRequest is the text of a signed request; more are lines of its header.
func webhookRequest(body string, length int, more ...string) string {
	return webhookHead(body, append([]string{fmt.Sprintf("Content-Length: %d", length)}, more...)...) + body
}

// webhookHead is the header of a request for the body, without its length.
func webhookHead(body string, more ...string) string {
	return requestHead(append([]string{"SC-Signature: " + smartcar.Sign(testToken, []byte(body))}, more...)...)
}

func requestHead(lines ...string) string {
	head := append([]string{"POST /webhooks/smartcar HTTP/1.1", "Host: localhost", "Content-Type: application/json"}, lines...)
	return strings.Join(head, "\r\n") + "\r\n\r\n"
}

// answerOf reads one answer: its status, or "closed".
func answerOf(conn net.Conn, r *bufio.Reader) string {
	if r == nil {
		r = bufio.NewReader(conn)
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return "no answer"
		}
		return "closed"
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "half an answer"
	}
	return strconv.Itoa(resp.StatusCode)
}

// ask sends a text on a connection of its own and returns all answers until the server closes it.
func (h *hostile) ask(t *testing.T, text string) string {
	t.Helper()
	conn := h.dial(t)
	if conn == nil {
		return "no connection"
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, text)
		_ = conn.CloseWrite() // so that the server ends the connection after its last answer
	}()
	defer func() { <-written }()
	defer conn.Close()
	r := bufio.NewReader(conn)
	var answers []string
	for len(answers) == 0 || answers[len(answers)-1] != "closed" {
		answers = append(answers, answerOf(conn, r))
		if answers[len(answers)-1] == "no answer" {
			break
		}
	}
	if len(answers) > 1 {
		answers = answers[:len(answers)-1]
	}
	return strings.Join(answers, "+")
}

// counted is what the admin API has counted.
type counted struct {
	Connections struct {
		Open           int
		WithoutRequest int `json:"without_request"`
		WithoutWebhook int `json:"without_webhook"`
	}
	Sources []struct {
		Stored, Duplicates, Verified int
		Refused                      map[string]int
	}
}

func (s *site) counted(t *testing.T) counted {
	t.Helper()
	var c counted
	answer := s.askAdmin(t, http.MethodGet, "/smartcar/status", "")
	if err := json.Unmarshal(answer.body, &c); err != nil || len(c.Sources) != 1 {
		t.Fatalf("status %d: %v: %.300s", answer.status, err, answer.body)
	}
	return c
}

// awaitCounted waits until the admin API says so.
func (s *site) awaitCounted(t *testing.T, done func(counted) bool) {
	t.Helper()
	waitFor(t, "the admin API counts it", 30*time.Second, func() bool { return done(s.counted(t)) })
}

func (c counted) minus(o counted) counted {
	c.Connections.WithoutRequest -= o.Connections.WithoutRequest
	c.Connections.WithoutWebhook -= o.Connections.WithoutWebhook
	c.Sources[0].Verified -= o.Sources[0].Verified
	for code, n := range o.Sources[0].Refused {
		if c.Sources[0].Refused[code] -= n; c.Sources[0].Refused[code] == 0 {
			delete(c.Sources[0].Refused, code)
		}
	}
	return c
}

// lacks says what an attack should have been counted as and was not.
// A connection that was never open was counted as nothing but silent.
func (c counted) lacks(want expectation, unopened int) string {
	for code, n := range want.refused {
		if c.Sources[0].Refused[code] < n-unopened {
			return fmt.Sprintf("%s: %d, want %d", code, c.Sources[0].Refused[code], n-unopened)
		}
	}
	if c.Connections.WithoutRequest < want.silent || c.Connections.WithoutWebhook < want.stray-unopened {
		return fmt.Sprintf("connections: %+v", c.Connections)
	}
	return ""
}

func (c counted) String() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(c.Sources[0].Refused)) {
		parts = append(parts, fmt.Sprintf("%s %d", code, c.Sources[0].Refused[code]))
	}
	for _, p := range []struct {
		what string
		n    int
	}{{"verified", c.Sources[0].Verified}, {"without_request", c.Connections.WithoutRequest}, {"without_webhook", c.Connections.WithoutWebhook}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.what, p.n))
		}
	}
	return strings.Join(parts, ", ")
}
