package send

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// errTooLong: the other side has said more than any server has to.
var errTooLong = errors.New("the other side does not end")

// line is the connection to a mail server: the one that the library asks for, which it leaves open after some errors.
type line struct {
	// tls: it has TLS from the first byte on.
	tls    bool
	config *tls.Config

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

// dial connects.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn = &boundedConn{Conn: conn, left: maxAnswer}
	if !l.keep(conn) {
		return nil, context.Canceled
	}
	if !l.tls {
		return conn, nil
	}
	secure := tls.Client(conn, l.config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secure, nil
}

// keep remembers a connection, and closes it where the time is over.
func (l *line) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		conn.Close()
		return false
	}
	l.conn = conn
	return true
}

// close ends the connection, if there is one, and whatever waits for it. It may be called more than once.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		l.conn.Close()
	}
}

// boundedConn is a connection of which only so much is read.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errTooLong
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
