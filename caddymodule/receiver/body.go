package receiver

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	// initialBody fits the usual webhook of 5 kB.
	initialBody = 8 << 10
	// trustedLength is how much a Content-Length may reserve before the bytes are there.
	trustedLength = 64 << 10
	// pooledBody is the largest buffer that goes back to the pool.
	pooledBody = 256 << 10
)

// scratch is what one request needs and the next one can use again: the buffer
// contract says that Append keeps neither the event nor its body.
type scratch struct {
	body  []byte
	event buffer.Event
	// reading and storing are nil while in use.
	reading *readLimit
	storing *storeContext
}

// scratchPool hands out scratches that hold nothing of an earlier request.
type scratchPool struct{ pool sync.Pool }

func (p *scratchPool) get() *scratch {
	if s, ok := p.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{body: make([]byte, 0, initialBody)}
}

func (p *scratchPool) put(s *scratch) {
	s.event = buffer.Event{}
	if cap(s.body) > pooledBody {
		return
	}
	s.body = s.body[:0]
	p.pool.Put(s)
}

// readBody reads the whole body into s.body within timeout, and returns nil or why
// the request is refused.
func (s *scratch) readBody(w http.ResponseWriter, r *http.Request, maxSize int64, timeout time.Duration) *refusal {
	// Caddy's own limit renews with every byte, which a sender that drips never
	// reaches.
	limit := s.reading
	if s.reading = nil; limit == nil {
		limit = new(readLimit)
	}
	limit.start(w, timeout)
	err := s.fill(w, r, maxSize)
	if limit.stop() {
		s.reading = limit
	}
	if err == nil {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuseSize
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuseSlow
	}
	return refuseRead
}

// boundRest limits how long the server waits for a body that nobody reads. It does that
// before it sends the answer, for a minute, so a sender that stops would hold the
// connection that long and never see the answer.
func boundRest(w http.ResponseWriter, timeout time.Duration) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
}

func (s *scratch) fill(w http.ResponseWriter, r *http.Request, maxSize int64) error {
	src := io.Reader(r.Body)
	if r.ContentLength < 0 {
		// Only a body of unknown length can outgrow its announcement.
		src = http.MaxBytesReader(w, r.Body, maxSize)
	} else if want := int(min(r.ContentLength, trustedLength)) + 1; want > cap(s.body) {
		s.body = make([]byte, 0, want)
	}
	for {
		if len(s.body) == cap(s.body) {
			grown := make([]byte, len(s.body), 2*cap(s.body))
			copy(grown, s.body)
			s.body = grown
		}
		n, err := src.Read(s.body[len(s.body):cap(s.body)])
		s.body = s.body[:len(s.body)+n]
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
