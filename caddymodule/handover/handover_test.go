package handover

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// queue is a listener with connections that wait.
type queue struct {
	net.Listener
	waiting chan net.Conn
	closed  atomic.Int32
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.waiting:
		return conn, nil
	default:
		return nil, errEmpty
	}
}

func (q *queue) Close() error {
	q.closed.Add(1)
	return nil
}

var errEmpty = errors.New("no connection waits")

// What comes after the process was told to end stays where it waits, and the server's loop ends with Close.
func TestListenerLeavesWhatWaits(t *testing.T) {
	synctest.Test(t, leavesWhatWaits)
}

func leavesWhatWaits(t *testing.T) {
	t.Helper()
	q := &queue{waiting: make(chan net.Conn, 2)}
	var ending atomic.Bool
	l := newListener(q, ending.Load)
	for range 2 {
		server, client := net.Pipe()
		defer client.Close()
		defer server.Close()
		q.waiting <- server
	}
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	ending.Store(true)
	ended := make(chan error)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ends with %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close Accept ends with %v", err)
	}
	if len(q.waiting) != 1 || q.closed.Load() != 2 {
		t.Errorf("%d connections wait, want 1; closed %d times", len(q.waiting), q.closed.Load())
	}
}

func TestCaddyfile(t *testing.T) {
	for text, want := range map[string]string{
		"smartcar_handover":             "",
		"smartcar_handover 5s":          "argument",
		"smartcar_handover {\n\ta b\n}": "has no options",
	} {
		err := new(Handover).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
