package integration

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// hostileAttacks are all attacks on one Caddy, in the order of the report.
func hostileAttacks() []attack {
	var all []attack
	for _, kind := range [][]attack{slowAttacks, sizeAttacks, halfSentAttacks, connectionAttacks, tlsAttacks(), requestAttacks(), floodAttacks, streamAttacks} {
		all = append(all, kind...)
	}
	return all
}

const hostileBody = `{"eventId":"hostile","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"hostile"}},"meta":{"mode":"LIVE"}}`

// pace is how often a slow sender sends something.
const pace = time.Second

// drip sends a text a byte at a time until there is an answer.
func drip(conn net.Conn, text string) string {
	answer := make(chan string, 1)
	go func() { answer <- answerOf(conn, nil) }()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case a := <-answer:
			return a
		case <-tick.C:
		}
		if i < len(text) {
			_, _ = io.WriteString(conn, text[i:i+1])
		}
	}
}

// same begins every connection of an attack with the same text.
func same(text string) func(int) string { return func(int) string { return text } }

// each opens all connections of an attack, has begin sent on each, and then counts what
// wait makes of them, all at once.
func (h *hostile) each(t *testing.T, n int, begin func(i int) string, wait func(conn *tls.Conn) string) *tally {
	t.Helper()
	conns := make([]*tls.Conn, n)
	parallel(n, 64, func(i int) {
		if conns[i] = h.dial(t); conns[i] != nil {
			_, _ = io.WriteString(conns[i], begin(i))
		}
	})
	answers := newTally()
	parallel(n, n, func(i int) {
		if conns[i] == nil {
			return
		}
		defer conns[i].Close()
		answers.add(wait(conns[i]))
	})
	return answers
}

func firstAnswer(conn *tls.Conn) string { return answerOf(conn, nil) }

// What the server has not read when it closes a connection may cost the sender the answer, which then is "closed". What
// was refused is counted by the receiver.
var slowAttacks = []attack{
	{name: "body of one byte a second", waits: true, refused: map[string]int{"body_too_slow": 1}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		return h.each(t, h.n, same(webhookHead(hostileBody, fmt.Sprintf("Content-Length: %d", len(hostileBody)))), func(conn *tls.Conn) string {
			return drip(conn, hostileBody)
		}).only(t, "408", "closed")
	}},
	{name: "body that stops", waits: true, refused: map[string]int{"body_too_slow": 1}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		// Every other one without a length, and without the chunk that would end it.
		return h.each(t, h.n, func(i int) string {
			if i%2 == 0 {
				return webhookHead(hostileBody, "Transfer-Encoding: chunked") + "10\r\n" + hostileBody[:16] + "\r\n"
			}
			return webhookRequest(hostileBody, len(hostileBody)+1)
		}, firstAnswer).only(t, "408", "closed")
	}},
	{name: "refused header, then a body that stops", waits: true, refused: map[string]int{"unsupported_content_type": sizeConnections, "body_too_large": sizeConnections},
		run: func(t *testing.T, h *hostile) *tally {
			begun := time.Now()
			answers := h.each(t, max(h.n, 2*sizeConnections), func(i int) string {
				if i%2 == 0 {
					return webhookHead(hostileBody, "Content-Length: 9000000000000")
				}
				return strings.Replace(webhookRequest(hostileBody, len(hostileBody)+1), "application/json", "text/plain", 1)
			}, firstAnswer).only(t, "413", "415", "closed")
			if took := time.Since(begun); took > h.body+20*time.Second+time.Duration(h.n)*10*time.Millisecond {
				t.Errorf("answered after %v", took)
			}
			return answers
		}},
}

// endless sends the same text again and again until there is an answer.
func endless(conn net.Conn, text string) string {
	answer := make(chan string, 1)
	go func() { answer <- answerOf(conn, bufio.NewReader(conn)) }()
	for {
		select {
		case a := <-answer:
			return a
		default:
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return <-answer
		}
	}
}

// sizeConnections is enough for attacks each of which takes some work.
const sizeConnections = 64

var sizeAttacks = []attack{
	{name: "header of a megabyte", stray: sizeConnections, run: func(t *testing.T, h *hostile) *tally {
		return h.each(t, sizeConnections, same("POST /webhooks/smartcar HTTP/1.1\r\nHost: localhost\r\nX: "), func(conn *tls.Conn) string {
			return endless(conn, strings.Repeat("a", 1<<20))
		}).only(t, "431", "closed")
	}},
	{name: "header lines without end", stray: sizeConnections, run: func(t *testing.T, h *hostile) *tally {
		return h.each(t, sizeConnections, same("POST /webhooks/smartcar HTTP/1.1\r\nHost: localhost\r\n"), func(conn *tls.Conn) string {
			return endless(conn, strings.Repeat("A: b\r\n", 1000))
		}).only(t, "431", "closed")
	}},
	{name: "chunks without end", refused: map[string]int{"body_too_large": 1}, run: func(t *testing.T, h *hostile) *tally {
		return h.each(t, sizeConnections, same(webhookHead(hostileBody, "Transfer-Encoding: chunked")), func(conn *tls.Conn) string {
			return endless(conn, "4000\r\n"+strings.Repeat(" ", 0x4000)+"\r\n")
		}).only(t, "413", "408", "closed")
	}},
	{name: "chunk extensions without end", refused: map[string]int{"body_not_received": sizeConnections}, run: func(t *testing.T, h *hostile) *tally {
		return h.each(t, sizeConnections, same(webhookHead(hostileBody, "Transfer-Encoding: chunked")), func(conn *tls.Conn) string {
			return endless(conn, "1;"+strings.Repeat("e", 3000)+"\r\n \r\n")
		}).only(t, "400", "closed")
	}},
	{name: "body shorter than announced", refused: map[string]int{"body_not_received": sizeConnections}, run: func(t *testing.T, h *hostile) *tally {
		return h.each(t, sizeConnections, same(webhookRequest(hostileBody, len(hostileBody)+1)), func(conn *tls.Conn) string {
			_ = conn.CloseWrite()
			return firstAnswer(conn)
		}).only(t, "400", "closed")
	}},
	{name: "body longer than announced", refused: map[string]int{"signature_mismatch": sizeConnections}, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		parallel(sizeConnections, 16, func(int) { answers.add(h.ask(t, webhookRequest(hostileBody, len(hostileBody)-1))) })
		return answers.only(t, "401+400", "401")
	}},
}
