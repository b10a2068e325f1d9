package integration

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// What half-sent bodies have: nearly all of what max_size allows, and no end.
const (
	halfSentAnnounced = 255_000
	halfSentCome      = 254_000
	// halfSentPlain connections of HTTP/1.1 have more of them than the memory of an attack may be.
	halfSentPlain = 400
	// streamsAtOnce are on one connection of HTTP/2 or HTTP/3.
	streamsAtOnce = 100
)

// halfSent has so many bodies sent on each of so many connections that stop shortly before their end, and
// waits for all answers. connect makes a connection, on its first request.
func (h *hostile) halfSent(t *testing.T, connections, streams int, connect func() (http.RoundTripper, func())) *tally {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	text := strings.Repeat(" ", halfSentCome)
	answers := newTally()
	var wg sync.WaitGroup
	for range connections {
		transport, hangUp := connect()
		defer hangUp()
		for range streams {
			wg.Go(func() { answers.add(sendHalf(ctx, transport, h.s.url, text)) })
		}
	}
	wg.Wait()
	return answers.only(t, "408", "503")
}

// sendHalf sends one body that stops and returns the answer.
func sendHalf(ctx context.Context, transport http.RoundTripper, url, text string) string {
	ctx, over := context.WithCancel(ctx)
	defer over()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, stoppingBody{strings.NewReader(text), ctx})
	if err != nil {
		return err.Error()
	}
	req.ContentLength = halfSentAnnounced
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("SC-Signature", rightSignature)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "closed"
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	over() // or closing waits for the rest of the request
	resp.Body.Close()
	return strconv.Itoa(resp.StatusCode)
}

// halfSentConnections is enough for 100 MiB of half-sent bodies on streams, at least.
func (h *hostile) halfSentConnections() int { return max(4, h.n/100) }

var halfSentAttacks = []attack{
	{name: "large bodies that stop before their end, HTTP/1.1", halfSent: true, connections: halfSentPlain, refused: map[string]int{"body_memory_full": 1}, run: func(t *testing.T, h *hostile) *tally {
		head := webhookHead(hostileBody, "Content-Length: "+strconv.Itoa(halfSentAnnounced))
		text := strings.Repeat(" ", halfSentCome)
		return h.each(t, max(h.n, halfSentPlain), same(head), func(conn *tls.Conn) string {
			// An answer may come while this is being sent.
			go func() { _, _ = io.WriteString(conn, text) }()
			return firstAnswer(conn)
		}).only(t, "408", "503", "closed")
	}},
	{name: "large bodies that stop before their end, HTTP/2", halfSent: true, refused: map[string]int{"body_memory_full": 1}, run: func(t *testing.T, h *hostile) *tally {
		return h.halfSent(t, h.halfSentConnections(), streamsAtOnce, func() (http.RoundTripper, func()) {
			transport := &http.Transport{TLSClientConfig: h.s.cert.Client(), ForceAttemptHTTP2: true, MaxConnsPerHost: 1}
			return transport, transport.CloseIdleConnections
		})
	}},
	{name: "large bodies that stop before their end, HTTP/3", halfSent: true, refused: map[string]int{"body_memory_full": 1}, run: func(t *testing.T, h *hostile) *tally {
		return h.halfSent(t, h.halfSentConnections(), streamsAtOnce, func() (http.RoundTripper, func()) {
			transport := &http3.Transport{TLSClientConfig: h.s.cert.Client()}
			return transport, func() { transport.Close() }
		})
	}},
	{name: "bodies of a byte on HTTP/2 streams", halfSent: true, refused: map[string]int{"body_memory_full": 1}, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		parallel(2*h.halfSentConnections(), 64, func(int) {
			s := h.streams(t)
			for range streamsAtOnce {
				s.open(false, true)
				s.write(func() error { return s.framer.WriteData(s.next-2, false, []byte("{")) })
			}
			waitFor(t, "all streams are answered", h.body+20*time.Second, func() bool { return s.answers() >= streamsAtOnce })
			answers.addTimes("streams answered", s.answers())
			s.finish()
		})
		return answers
	}},
}
