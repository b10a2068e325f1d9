package receiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// setBody gives a request its body back, and the length that has come: an announcement of a length may have been missing.
func setBody(r *http.Request, body []byte) {
	r.Body = &passBody{body: body}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.ContentLength = int64(len(body))
	r.Header["Content-Length"] = []string{strconv.Itoa(len(body))}
	// A trailer would make a proxy send the body in chunks, and could bring a header that was not looked at.
	r.TransferEncoding, r.Trailer = nil, nil
}

// passBody can be read again from its beginning once it has been read to its end and closed: a proxy that tries the next
// backend has done that. After a Close before that it cannot be read, since what is left would be half an event.
type passBody struct {
	mu     sync.Mutex
	body   []byte
	at     int
	closed bool
}

func (b *passBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, errHalfRead
	}
	if b.at == len(b.body) {
		return 0, io.EOF
	}
	n := copy(p, b.body[b.at:])
	b.at += n
	return n, nil
}

func (b *passBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == len(b.body) {
		b.at = 0
		return nil
	}
	b.closed = b.at > 0
	return nil
}

var errHalfRead = errors.New("the body was read in part, and closed")
