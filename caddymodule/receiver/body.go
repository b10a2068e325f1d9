package receiver

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/metrics"
)

const (
	// initialBody fits the usual webhook of 5 kB.
	initialBody = 8 << 10
	// streamMemory is what a request takes beside its body where many share a connection, as with HTTP/2: a first
	// buffer of its own, what the server keeps unread, its goroutine and its header. With HTTP/1.1 all that is the
	// connection's, of which the operator lets through as many as the machine can bear.
	streamMemory = 40 << 10
)

// scratch is what one request needs and the next one can use again: the buffer
// contract says that Append keeps neither the event nor its body.
type scratch struct {
	body []byte
	// first is the buffer that each body begins in. A larger one goes back when its request ends: the next request
	// may stop after a byte, and would hold it.
	first   []byte
	arrival arrivals.Arrival
	event   buffer.Event
	timing  metrics.Timing
	// matchedAt is what Token.Match has returned for the event.
	matchedAt time.Duration
	// reading and storing are nil while in use.
	reading *readLimit
	storing *storeContext
}

// scratchPool hands out scratches that hold nothing of an earlier request.
type scratchPool struct {
	pool   sync.Pool
	larger bufferPool
}

func (p *scratchPool) get() *scratch {
	if s, ok := p.pool.Get().(*scratch); ok {
		return s
	}
	s := &scratch{first: make([]byte, 0, initialBody)}
	s.body = s.first
	return s
}

func (p *scratchPool) put(s *scratch) {
	s.arrival.End()
	s.event = buffer.Event{}
	p.larger.put(s.body)
	s.body = s.first[:0]
	p.pool.Put(s)
}

// readBody reads the whole body into s.body, and returns nil or why the request is refused.
func (g *Gate) readBody(s *scratch, w http.ResponseWriter, r *http.Request) *refusal {
	// Caddy's own limit renews with every byte, which a sender that drips never
	// reaches.
	limit := s.reading
	if s.reading = nil; limit == nil {
		limit = new(readLimit)
	}
	end := limit.start(w, time.Duration(g.ReadTimeout))
	err := errNoRoom
	announced := r.ContentLength
	if announced < 0 {
		announced = g.MaxSize
	}
	if s.arrival.Begin(g.bodies, limit, requestMemory(r), announced) {
		err = g.scratches.fill(s, w, r, g.MaxSize, limit)
	}
	s.arrival.Arrived()
	why, again := limit.stop()
	if again {
		s.reading = limit
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoRoom):
		boundRest(w, end)
		return refuseNoRoom
	case isTooLarge(err):
		return refuseSize
	case errors.Is(err, os.ErrDeadlineExceeded) && why != nil:
		return why
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseSlow
	default:
		return refuseRead
	}
}

// errNoRoom: there is no memory for the next bytes.
var errNoRoom = errors.New("no room for the body")

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// requestMemory is what a request takes beside its body until this has arrived.
func requestMemory(r *http.Request) int64 {
	if r.ProtoMajor < 2 {
		return 0
	}
	return streamMemory
}

// boundRest limits how long the server waits for a body that nobody reads. It does that
// before it sends the answer, for a minute, so a sender that stops would hold the
// connection that long and never see the answer.
func boundRest(w http.ResponseWriter, end time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(end)
}

// fill reads until the body ends. Its buffer grows with what has come, whatever was announced.
func (p *scratchPool) fill(s *scratch, w http.ResponseWriter, r *http.Request, maxSize int64, limit *readLimit) error {
	src, largest := io.Reader(r.Body), r.ContentLength
	if largest < 0 {
		// Only a body of unknown length can outgrow its announcement.
		src, largest = http.MaxBytesReader(w, r.Body, maxSize), maxSize
	}
	for {
		if len(s.body) == cap(s.body) {
			size := 2 * int64(cap(s.body))
			if size > largestPooled {
				size = min(size, largest)
			}
			if !s.arrival.Grow(size) {
				return errNoRoom
			}
			if size == largest {
				size++ // shows whether this is the end
			}
			grown := append(p.larger.get(int(size)), s.body...)
			p.larger.put(s.body)
			s.body = grown
		}
		n, err := src.Read(s.body[len(s.body):cap(s.body)])
		s.body = s.body[:len(s.body)+n]
		limit.arrived(n)
		if int64(len(s.body)) > largest {
			return &http.MaxBytesError{Limit: largest} // another handler has put a body in the place of the announced one
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
