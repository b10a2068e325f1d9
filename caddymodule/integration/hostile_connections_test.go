package integration

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// connectionAttacks hold connections; the server has to end them.
var connectionAttacks = []attack{
	{name: "connections that send nothing, half of a handshake, TLS alone, half of a request", waits: true, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		quarter := (h.n + 3) / 4
		var wg sync.WaitGroup
		for _, f := range []func() *tally{
			func() *tally { return h.plain(t, quarter, "") },
			// The header of a record of 512 bytes, and the beginning of a ClientHello.
			func() *tally { return h.plain(t, quarter, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") },
			func() *tally { return h.each(t, quarter, same(""), firstAnswer) },
			func() *tally {
				return h.each(t, quarter, same("POST /webhooks/smartcar HTTP/1.1\r\nHost: local"), firstAnswer)
			},
			func() *tally {
				return h.each(t, sizeConnections, same("POST /webhooks/smartcar HTTP/1.1\r\n"), func(conn *tls.Conn) string {
					return drip(conn, strings.Repeat("A: b\r\n", 1000))
				})
			},
		} {
			wg.Go(func() {
				for answer, n := range f().counts {
					answers.addTimes(answer, n)
				}
			})
		}
		wg.Wait()
		h.s.awaitCounted(t, func(c counted) bool { return c.Connections.Open < 100 })
		return answers.only(t, "closed", "400", "408")
	}, silentQuarters: 3, strayQuarters: 1},
	{name: "requests whose answers are not read", waits: true, refused: map[string]int{"signature_missing": sizeConnections}, run: func(t *testing.T, h *hostile) *tally {
		one := strings.Repeat(requestHead("Content-Length: 2")+"{}", 100)
		return h.each(t, sizeConnections, same(one), func(conn *tls.Conn) string {
			// The server can only wait until its own patience ends, so the sender hangs up.
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			for {
				if _, err := io.WriteString(conn, one); err != nil {
					return "the sender gave up"
				}
			}
		})
	}},
}

// plain opens connections without TLS, sends a text on each and waits until the server closes them.
func (h *hostile) plain(t *testing.T, n int, text string) *tally {
	t.Helper()
	conns := make([]net.Conn, n)
	parallel(n, 64, func(i int) {
		conn, err := net.DialTimeout("tcp", h.address(), 30*time.Second)
		if err != nil {
			t.Errorf("connecting: %v", err)
			return
		}
		_ = conn.SetDeadline(time.Now().Add(90 * time.Second))
		_, _ = io.WriteString(conn, text)
		conns[i] = conn
	})
	answers := newTally()
	parallel(n, n, func(i int) {
		if conns[i] != nil {
			answers.add(ending(conns[i]))
			conns[i].Close()
		}
	})
	return answers
}

// ending reads until the server closes the connection: "closed", or the first line of
// what it said.
func ending(conn net.Conn) string {
	said, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "left open"
	}
	line, _, _ := strings.Cut(string(said), "\r\n")
	if strings.HasPrefix(line, "HTTP/") {
		return line
	}
	return "closed" // perhaps after a TLS alert
}

const tlsConnections = 50

func tlsAttacks() []attack {
	all := []attack{
		{name: "plain HTTP to the TLS port", silent: tlsConnections, run: func(t *testing.T, h *hostile) *tally {
			return h.plain(t, tlsConnections, webhookRequest(hostileBody, len(hostileBody))).only(t, "HTTP/1.0 400 Bad Request")
		}},
		{name: "garbage instead of a ClientHello", silent: tlsConnections, run: func(t *testing.T, h *hostile) *tally {
			return h.plain(t, tlsConnections, strings.Repeat("\xff\x00garbage", 1000)).only(t, "closed")
		}},
		{name: "ClientHello full of garbage", silent: tlsConnections, run: func(t *testing.T, h *hostile) *tally {
			return h.plain(t, tlsConnections, "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc"+strings.Repeat("\xa5", 0x3ffc)).only(t, "closed")
		}},
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		all = append(all, attack{name: tls.VersionName(version), silent: tlsConnections, run: func(t *testing.T, h *hostile) *tally {
			answers := newTally()
			parallel(tlsConnections, 8, func(int) {
				config := h.s.cert.Client()
				config.MinVersion, config.MaxVersion = version, version
				conn, err := tls.Dial("tcp", h.address(), config)
				var alert tls.AlertError
				switch {
				case err == nil:
					conn.Close()
					answers.add("accepted")
				case errors.As(err, &alert):
					answers.add(alert.Error())
				default:
					answers.add("closed")
				}
			})
			return answers.only(t, "tls: protocol version not supported", "closed")
		}})
	}
	return all
}
