package receiver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// deadlineWriter is the answer to a request whose body comes through a pipe.
type deadlineWriter struct {
	*httptest.ResponseRecorder
	body *io.PipeWriter
	set  []time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error {
	w.set = append(w.set, t)
	if !t.IsZero() && !t.After(time.Now()) {
		w.body.CloseWithError(os.ErrDeadlineExceeded)
	}
	return nil
}

// drip is a body that comes some bytes a second.
func drip(text string, perSecond int) (io.ReadCloser, *io.PipeWriter) {
	body, sender := io.Pipe()
	go func() {
		for len(text) > 0 {
			time.Sleep(time.Second)
			n := min(perSecond, len(text))
			if _, err := sender.Write([]byte(text[:n])); err != nil {
				return
			}
			text = text[n:]
		}
		sender.Close()
	}()
	return body, sender
}

// A body that comes too slowly is refused soon, one that comes steadily after read_timeout, and the
// receiver's next requests are not touched by it.
func TestReadTimeout(t *testing.T) {
	event := stateBody + strings.Repeat(" ", 20_000)
	for _, tc := range []struct {
		name      string
		perSecond int
		after     time.Duration
		status    int
	}{
		{"a byte a second", 1, leastPeriod, http.StatusRequestTimeout},
		{"a byte a second less than it must be", leastBytes/3 - 1, leastPeriod + time.Second, http.StatusRequestTimeout},
		{"steady, and too long", 2000, defaultReadTimeout, http.StatusRequestTimeout},
		{"in time", 3000, 7 * time.Second, http.StatusOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rc, _ := newReceiver(t, stored)
				for round := range 3 {
					r := request(event, tokenA)
					body, sender := drip(event, tc.perSecond)
					r.Body = body
					start := time.Now()
					w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder(), body: sender}
					if err := rc.ServeHTTP(w, r, nil); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(start); w.Code != tc.status || took > tc.after || took < tc.after-time.Second {
						t.Errorf("round %d: status %d after %s", round, w.Code, took)
					}
					set := len(w.set)
					if refused := tc.status != http.StatusOK; refused && (set != 2 || !w.set[1].IsZero()) || !refused && set != 0 {
						t.Errorf("round %d: the deadline was set to %v, and has to be taken back", round, w.set)
					}
					for range 3 {
						w, _ := serve(t, rc, request(stateBody, tokenA))
						if w.Code != http.StatusOK {
							t.Errorf("round %d: the next request got %d", round, w.Code)
						}
					}
					time.Sleep(time.Minute) // what still runs would fire
					if len(w.set) != set {
						t.Errorf("round %d: the deadline was set after the answer: %v", round, w.set)
					}
					if held := rc.bodies.Held(); held != 0 {
						t.Errorf("round %d: %d bytes are held by nobody", round, held)
					}
				}
			})
		})
	}
}

// A store that does not answer is left after store_timeout, and the next request has all of its time.
func TestStoreTimeoutLeavesTheNextOneAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := true
		rc, _ := newReceiver(t, func(ctx context.Context, _ *buffer.Event) (buffer.Receipt, error) {
			deadline, ok := ctx.Deadline()
			if left := time.Until(deadline); !ok || left != defaultStoreTimeout || ctx.Err() != nil {
				t.Errorf("%s left, error %v", left, ctx.Err())
			}
			if slow {
				<-ctx.Done()
			}
			time.Sleep(defaultStoreTimeout - time.Second)
			return buffer.Receipt{Position: 1}, ctx.Err()
		})
		for round := range 5 {
			slow = round%2 == 0
			want := http.StatusOK
			if slow {
				want = http.StatusServiceUnavailable
			}
			if w, _ := serve(t, rc, request(stateBody, tokenA)); w.Code != want {
				t.Errorf("round %d: status %d, want %d", round, w.Code, want)
			}
		}
	})
}

// A store that panics takes nothing along: what it left running is not used again.
func TestStorePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		rc, _ := newReceiver(t, func(ctx context.Context, _ *buffer.Event) (buffer.Receipt, error) {
			if broken {
				panic("broken")
			}
			time.Sleep(time.Second)
			return buffer.Receipt{Position: 1}, ctx.Err()
		})
		for range 5 {
			func() {
				defer func() { _ = recover() }()
				_, _ = serve(t, rc, request(stateBody, tokenA))
			}()
		}
		broken = false
		for range 20 {
			if w, _ := serve(t, rc, request(stateBody, tokenA)); w.Code != http.StatusOK {
				t.Errorf("status %d", w.Code)
			}
		}
	})
}
