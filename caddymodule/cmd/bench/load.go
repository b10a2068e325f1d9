package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// target is one endpoint under load.
type target struct {
	name string
	addr string
	path string
	tls  *tls.Config // nil: plain HTTP
}

// measured is what one phase of load gave.
type measured struct {
	answers   int
	elapsed   time.Duration
	latencies []time.Duration // sorted
}

func (m measured) perSecond() float64 { return float64(m.answers) / m.elapsed.Seconds() }

func (m measured) percentile(p float64) time.Duration {
	if len(m.latencies) == 0 {
		return 0
	}
	return m.latencies[int(p*float64(len(m.latencies)-1))]
}

// load posts signed events over conns keep-alive connections until the time is
// over. The sender writes requests by hand and reads only what it must of the
// answers, so that on a machine which it shares with the server most of the CPU
// is the server's.
func load(ctx context.Context, t target, bodies *bodyMaker, conns int, duration time.Duration) (measured, error) {
	open, err := dialAll(ctx, t, conns)
	if err != nil {
		return measured{}, fmt.Errorf("connecting to %s: %w", t.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()

	var (
		mu    sync.Mutex
		total measured
		errs  []error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for _, conn := range open {
		wg.Go(func() {
			defer conn.Close()
			latencies, err := loadConn(ctx, conn, t, bodies)
			mu.Lock()
			defer mu.Unlock()
			total.latencies = append(total.latencies, latencies...)
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	total.elapsed = time.Since(start)
	total.answers = len(total.latencies)
	slices.Sort(total.latencies)
	if err := errors.Join(errs...); err != nil {
		return total, fmt.Errorf("loading %s: %w", t.name, err)
	}
	return total, nil
}

// dialAll opens the connections before the clock runs: handshakes are not what is
// measured.
func dialAll(ctx context.Context, t target, conns int) ([]net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	open := make([]net.Conn, 0, conns)
	for range conns {
		conn, err := dial(ctx, t)
		if err != nil {
			for _, c := range open {
				c.Close()
			}
			return nil, err
		}
		open = append(open, conn)
	}
	return open, nil
}

func loadConn(ctx context.Context, conn net.Conn, t target, bodies *bodyMaker) ([]time.Duration, error) {
	var (
		latencies []time.Duration
		reader    = bufio.NewReader(conn)
		request   []byte
		maker     = bodies.forConn()
	)
	for ctx.Err() == nil {
		request = maker.appendRequest(request[:0], t)
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return latencies, err
		}
		status, err := readAnswer(reader)
		if err != nil {
			return latencies, err
		}
		if status != 200 {
			return latencies, fmt.Errorf("answered %d", status)
		}
		latencies = append(latencies, time.Since(start))
	}
	return latencies, nil
}

func dial(ctx context.Context, t target) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil || t.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, t.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

var contentLength = []byte("content-length:")

func readAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("short status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("status line %q: %w", line, err)
	}
	length := 0
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, err
			}
		}
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, err
}

// bodyMaker makes signed requests that differ only in their event id.
type bodyMaker struct {
	token  string
	body   []byte
	idAt   int
	idSize int
}

func newBodyMaker(token string, body []byte, eventID string) (*bodyMaker, error) {
	at := bytes.Index(body, []byte(eventID))
	if at < 0 || len(eventID) != 36 {
		return nil, errors.New("the sample body does not hold its event id")
	}
	return &bodyMaker{token: token, body: body, idAt: at, idSize: len(eventID)}, nil
}

// connMaker is a bodyMaker with buffers of its own.
type connMaker struct {
	*bodyMaker
	body   []byte
	prefix [8]byte
	count  uint64
}

func (b *bodyMaker) forConn() *connMaker {
	m := &connMaker{bodyMaker: b, body: slices.Clone(b.body)}
	rand.Read(m.prefix[:])
	return m
}

func (m *connMaker) appendRequest(dst []byte, t target) []byte {
	m.count++
	id := fmt.Appendf(nil, "%x-%016x---", m.prefix, m.count)
	copy(m.body[m.idAt:m.idAt+m.idSize], id)

	mac := hmac.New(sha256.New, []byte(m.token))
	mac.Write(m.body)
	dst = append(dst, "POST "+t.path+" HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Smartcar/1\r\nContent-Type: application/json\r\nSC-Signature: "...)
	dst = hex.AppendEncode(dst, mac.Sum(nil))
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(m.body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, m.body...)
}
