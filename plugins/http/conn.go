package http

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// errNotH2C says that the other side of a connection is no server for HTTP/2 without TLS. That is no event's fault.
var errNotH2C = errors.New("it does not speak HTTP/2 without TLS: leave out protocol = \"h2c\", or switch it on there")

// h2cConn is a connection on which the server has to begin with a frame of the type SETTINGS, as HTTP/2 wants it. One
// for HTTP/1.1 answers with an error, or ends the connection.
type h2cConn struct {
	net.Conn
	read  int // how many bytes of the first frame's header were read, up to frameType
	begun atomic.Bool
}

// The header of a frame has its type in the fourth byte.
const (
	frameType     = 3
	frameSettings = 4
)

func (c *h2cConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.begun.Load() {
		return n, err
	}
	if at := frameType - c.read; at < n {
		if b[at] != frameSettings {
			return 0, errNotH2C
		}
		c.begun.Store(true)
	}
	c.read += n
	return n, err
}

// alertConn is the connection below TLS. In TLS 1.3 a server refuses a certificate when the client may send already:
// with an alert, after which it ends the connection. Who writes then would learn of the end and not of the alert, so
// only who reads is told.
type alertConn struct{ net.Conn }

func (c alertConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(b), nil
	}
	return n, err
}
