package receiver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
)

// halfSent is a request whose body stops after some bytes.
type halfSent struct {
	w    *deadlineWriter
	done chan struct{}
	body *io.PipeWriter
}

// sendHalf begins a request over a protocol and returns when the receiver waits for the rest of its body.
func sendHalf(t *testing.T, rc *Receiver, major, announced, come int) *halfSent {
	t.Helper()
	r := request("", "")
	r.ProtoMajor, r.ContentLength = major, int64(announced)
	body, sender := io.Pipe()
	r.Body = body
	h := &halfSent{w: &deadlineWriter{ResponseRecorder: httptest.NewRecorder(), body: sender}, done: make(chan struct{}), body: sender}
	go func() {
		defer close(h.done)
		if err := rc.ServeHTTP(h.w, r, nil); err != nil {
			t.Error(err)
		}
	}()
	go sender.Write([]byte(strings.Repeat(" ", come)))
	synctest.Wait()
	return h
}

func (h *halfSent) refused() bool {
	select {
	case <-h.done:
		return h.w.Code == http.StatusServiceUnavailable && strings.Contains(h.w.Body.String(), "body_memory_full") &&
			h.w.Header().Get("Retry-After") == "5"
	default:
		return false
	}
}

// Whatever is half-sent, over any protocol: all of it together stays within the budget, honest
// bodies of every size that Smartcar sends are stored all the time, and in the end nothing is held.
func TestHalfSentBodiesShareABudget(t *testing.T) {
	const limit = 4 << 20
	for _, tc := range []struct {
		name                   string
		major, announced, come int
	}{
		{"large bodies", 1, 255_000, 254_000},
		{"large bodies over HTTP/2", 2, 255_000, 254_000},
		{"large bodies of unknown length", 1, -1, 254_000},
		{"bodies of Smartcar's size", 1, 50_000, 49_000},
		{"bodies of a byte over HTTP/2", 2, 50_000, 1},
		{"empty bodies over HTTP/3", 3, 255_000, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rc, log := newReceiver(t, stored)
				rc.bodies.SetLimit(limit)
				var all []*halfSent
				for range 300 {
					all = append(all, sendHalf(t, rc, tc.major, tc.announced, tc.come))
					if held := rc.bodies.Held(); held > limit {
						t.Fatalf("%d bytes are held, %d may be", held, limit)
					}
					for _, size := range []int{0, 4_000, 50_000} {
						r := request(stateBody+strings.Repeat(" ", size), tokenA)
						r.ProtoMajor = tc.major
						if w, _ := serve(t, rc, r); w.Code != http.StatusOK {
							t.Fatalf("an honest body of %d more bytes got %d %s beside %d half-sent ones", size, w.Code, w.Body, len(all))
						}
					}
				}
				gone := 0
				for i, h := range all {
					if h.refused() {
						gone++
						if i >= gone {
							t.Fatalf("body %d gave way before an older one", i)
						}
					}
				}
				if gone < 200 || uint64(gone) != rc.counts.Snapshot().Refused["body_memory_full"] {
					t.Errorf("%d of %d gave way, counted %v", gone, len(all), rc.counts.Snapshot().Refused)
				}
				if c := rc.counts.Crowd.Current(time.Now()); c.Refused != uint64(gone) {
					t.Errorf("%+v, want %d", c, gone)
				}
				if lines := strings.Count(log.String(), `"webhook.no_room"`); lines < 10 || lines > 12 {
					t.Errorf("%d lines for %d refusals", lines, gone)
				}
				for _, h := range all {
					h.body.CloseWithError(io.ErrUnexpectedEOF) // they hang up
					<-h.done
				}
				if held := rc.bodies.Held(); held != 0 {
					t.Errorf("%d bytes are held by nobody", held)
				}
			})
		})
	}
}

// A buffer grows with what has come: an announcement alone takes nothing.
func TestAnnouncedLengthReservesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc, _ := newReceiver(t, stored)
		for come, want := range map[int]int64{0: 0, initialBody - 1: 0, initialBody: 2 * initialBody, 40_000: 64 << 10, 200_000: 256 << 10} {
			h := sendHalf(t, rc, 1, 250_000, come)
			if got := rc.bodies.Held(); got != want {
				t.Errorf("%d bytes of 250,000 have come, and %d are held, want %d", come, got, want)
			}
			h.body.CloseWithError(io.ErrUnexpectedEOF)
			<-h.done
		}
	})
}

// The buffer of a large body does not stay with what serves the next request, which may be a half-sent one.
func TestLargeBuffersAreNotKept(t *testing.T) {
	rc, _ := newReceiver(t, stored)
	for range 50 {
		if w, _ := serve(t, rc, request(stateBody+strings.Repeat(" ", 200_000), tokenA)); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
		s := rc.scratches.get()
		if cap(s.body) != initialBody {
			t.Fatalf("a request begins with a buffer of %d bytes", cap(s.body))
		}
		rc.scratches.put(s)
	}
}

// A body that max_size allows must fit.
func TestLargestBodyFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.MaxSize = 1 << 20 })
		rc.bodies.SetLimit(2 << 20)
		if arrivals.Largest(2<<20) != 1<<20 {
			t.Fatal("the test assumes halves")
		}
		for _, length := range []int64{1 << 20, -1} {
			r := request(stateBody+strings.Repeat(" ", 1<<20-len(stateBody)), tokenA)
			r.ContentLength = length
			if w, _ := serve(t, rc, r); w.Code != http.StatusOK {
				t.Errorf("length %d: %d %s", length, w.Code, w.Body)
			}
		}
	})
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// ignored is a body that does not mind giving way.
type ignored struct{ arrivals.Arrival }

func (*ignored) GiveUp() {}

// A body that gives way while it still comes is answered no later than when it should have come: the
// server waits for the rest before it answers.
func TestRestOfARefusedBodyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc, _ := newReceiver(t, stored)
		r := request("", tokenA)
		r.ContentLength = 200_000
		r.Body = io.NopCloser(readFunc(func(p []byte) (int, error) {
			for range 1000 {
				o := new(ignored)
				_ = o.Begin(rc.bodies, o, 0, 100_000) && o.Grow(100_000)
			}
			return len(p), nil
		}))
		_, sender := io.Pipe()
		w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder(), body: sender}
		start := time.Now()
		if err := rc.ServeHTTP(w, r, nil); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if last := w.set[len(w.set)-1]; !last.Equal(start.Add(defaultReadTimeout)) {
			t.Errorf("the rest of the body may come until %v, want %v", last, start.Add(defaultReadTimeout))
		}
	})
}
