package integration

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// streams is an HTTP/2 connection whose frames are written by hand.
type streams struct {
	conn *tls.Conn
	// mu is for writing: the answers to settings are written while reading.
	mu     sync.Mutex
	framer *http2.Framer
	header bytes.Buffer
	hpack  *hpack.Encoder
	next   uint32
	// ended is closed when the server has closed the connection; what says with which error.
	ended    chan struct{}
	what     string
	answered int
}

// streams opens an HTTP/2 connection and reads whatever comes.
func (h *hostile) streams(t *testing.T) *streams {
	t.Helper()
	conn := h.dial(t, "h2")
	if conn == nil {
		t.FailNow()
	}
	s := &streams{conn: conn, framer: http2.NewFramer(conn, conn), next: 1, ended: make(chan struct{}), what: "left open"}
	s.hpack = hpack.NewEncoder(&s.header)
	_, err := io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = s.framer.WriteSettings()
	}
	if err != nil {
		t.Fatal(err)
	}
	go s.read()
	return s
}

func (s *streams) read() {
	defer close(s.ended)
	for {
		f, err := s.framer.ReadFrame()
		if err != nil {
			if s.what == "left open" {
				s.what = "closed"
			}
			return
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				s.write(func() error { return s.framer.WriteSettingsAck() })
			}
		case *http2.GoAwayFrame:
			s.what = f.ErrCode.String()
		case *http2.HeadersFrame:
			s.mu.Lock()
			s.answered++
			s.mu.Unlock()
		}
	}
}

// write reports whether the connection still takes something.
func (s *streams) write(f func() error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f() == nil
}

// open begins a request with a signature and an unfinished body.
func (s *streams) open(endStream, endHeaders bool) bool {
	return s.write(func() error {
		s.header.Reset()
		for _, field := range [][2]string{
			{":method", "POST"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/webhooks/smartcar"},
			{"content-type", "application/json"}, {"sc-signature", rightSignature},
		} {
			if err := s.hpack.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
				return err
			}
		}
		id := s.next
		s.next += 2
		return s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.header.Bytes(), EndStream: endStream, EndHeaders: endHeaders})
	})
}

func (s *streams) answers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered
}

// finish hangs up and says what became of the connection.
func (s *streams) finish() string {
	s.conn.Close()
	<-s.ended
	return s.what
}

const streamsPerConnection = 20

var streamAttacks = []attack{
	{name: "HTTP/2 rapid reset", refused: map[string]int{"body_not_received": 1}, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		parallel(4, 4, func(int) {
			s := h.streams(t)
			for i := 0; i < streamsPerConnection*h.n; i++ {
				if !s.open(false, true) || !s.write(func() error { return s.framer.WriteRSTStream(s.next-2, http2.ErrCodeCancel) }) {
					break
				}
			}
			answers.add(s.finish())
		})
		return answers.only(t, "ENHANCE_YOUR_CALM", "closed", "left open")
	}},
	{name: "HTTP/2 streams whose bodies stop", waits: true, refused: map[string]int{"body_too_slow": 100}, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		var all []*streams
		for range 4 {
			s := h.streams(t)
			// As many as the server allows on a connection, so that each is answered.
			for range 100 {
				s.open(false, true)
			}
			all = append(all, s)
		}
		for _, s := range all {
			waitFor(t, "all streams are answered", h.body+20*time.Second, func() bool { return s.answers() >= 100 })
			answers.add(fmt.Sprintf("%d streams answered", s.answers()))
			s.finish()
		}
		return answers
	}},
	{name: "HTTP/2 more streams than allowed", run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		parallel(4, 4, func(int) {
			s := h.streams(t)
			for range 5000 {
				if !s.open(false, true) {
					break
				}
			}
			answers.add(s.finish())
		})
		return answers
	}},
	{name: "HTTP/2 header without end", stray: 1, run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		fragment := []byte(strings.Repeat("\x00\x01a\x01b", 3000))
		parallel(4, 4, func(int) {
			s := h.streams(t)
			s.open(false, false)
			id := s.next - 2
			for range 100_000 {
				if !s.write(func() error { return s.framer.WriteContinuation(id, false, fragment) }) {
					break
				}
			}
			<-s.ended
			answers.add(s.finish())
		})
		return answers.only(t, "closed", "PROTOCOL_ERROR", "ENHANCE_YOUR_CALM")
	}},
	{name: "HTTP/2 flood of pings and settings", run: func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		parallel(4, 4, func(int) {
			s := h.streams(t)
			for i := 0; i < streamsPerConnection*h.n; i++ {
				if !s.write(func() error { return s.framer.WritePing(false, [8]byte{}) }) || !s.write(func() error { return s.framer.WriteSettings() }) {
					break
				}
			}
			answers.add(s.finish())
		})
		return answers
	}},
}
