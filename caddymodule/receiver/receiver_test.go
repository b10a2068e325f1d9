package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/metrics"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// storeFunc stands in for the engine where a test needs it to fail in a certain way;
// the tests in integration/ use the real one.
type storeFunc func(ctx context.Context, e *buffer.Event) (buffer.Receipt, error)

func (f storeFunc) Append(ctx context.Context, e *buffer.Event) (buffer.Receipt, error) {
	return f(ctx, e)
}

func stored(context.Context, *buffer.Event) (buffer.Receipt, error) {
	return buffer.Receipt{Position: 1}, nil
}

// LogText collects log lines.
type LogText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *LogText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *LogText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newReceiver configures a receiver as Provision does, with a store of the test's.
func newReceiver(t testing.TB, store storeFunc, change ...func(*Receiver)) (*Receiver, *LogText) {
	t.Helper()
	rc := &Receiver{Gate: Gate{Source: "test", Tokens: []string{tokenA, tokenB}}}
	for _, f := range change {
		f(rc)
	}
	tokens, err := rc.configure()
	if err != nil {
		t.Fatal(err)
	}
	log := new(LogText)
	rc.log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	rc.store = store
	countsOf(rc, tokens...)
	rc.bodies = arrivals.New(arrivals.DefaultLimit)
	rc.observed = metrics.New().Source(rc.Source)
	rc.stages = switchedTo(stage.Default)
	return rc, log
}

// countsOf gives a receiver counts of its own, with these tokens in force.
func countsOf(rc *Receiver, tokens ...string) *traffic.Counters {
	counts := new(traffic.Counters)
	rc.counts, rc.tokens = counts.Source(rc.Source), counts.Tokens(rc.Source, tokens)
	counts.PutInForce(traffic.Accepted{rc.Source: {rc.tokens}})
	return counts
}

func switchedTo(set stage.Set) *stage.Switch {
	s := new(stage.Switch)
	s.Set(set)
	return s
}

// request makes a signed POST; an empty token sends none.
func request(body, token string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("SC-Signature", smartcar.Sign(token, []byte(body)))
	}
	return r
}

// serve runs one request and returns the answer and the request's placeholders.
func serve(t *testing.T, rc *Receiver, r *http.Request) (*httptest.ResponseRecorder, *caddy.Replacer) {
	t.Helper()
	repl := caddy.NewReplacer()
	r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl))
	w := httptest.NewRecorder()
	if err := rc.ServeHTTP(w, r, nil); err != nil {
		t.Fatal(err)
	}
	return w, repl
}

func placeholder(repl *caddy.Replacer, name string) string {
	return repl.ReplaceAll("{http.smartcar."+name+"}", "-")
}

const stateBody = `{"eventId":"e-1","eventType":"VEHICLE_STATE","data":{"user":{"id":"user-secret-1"},` +
	`"vehicle":{"id":"vehicle-1"},"signals":[{"code":"location-preciselocation","body":{"latitude":57.70887,"longitude":11.97456}},` +
	`{"code":"vehicleidentification-vin","body":{"value":"YV1TESTVIN0000001"}}]},"meta":{"mode":"LIVE","deliveryId":"d-1"}}`

const verifyBody = `{"eventId":"v-1","eventType":"VERIFY","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`

func TestStoreFailures(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		code string
	}{
		{"full", buffer.ErrFull, "buffer_full"},
		{"halted", buffer.ErrHalted, "buffer_halted"},
		{"closed", buffer.ErrClosed, "buffer_closed"},
		{"not open", engine.ErrNotOpen, "buffer_unavailable"},
		{"late", context.DeadlineExceeded, "store_timeout"},
		{"anything else", errors.New("disk on fire"), "store_failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc, log := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
				return buffer.Receipt{}, fmt.Errorf("appending: %w", tc.err)
			})
			w, repl := serve(t, rc, request(stateBody, tokenA))
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("status %d", w.Code)
			}
			if w.Header().Get("Retry-After") != "5" {
				t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
			var answer struct{ Error, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Error != tc.code || answer.Message == "" {
				t.Errorf("answer %+v", answer)
			}
			if got := placeholder(repl, "outcome"); got != "refused:"+tc.code {
				t.Errorf("outcome %q", got)
			}
			if !strings.Contains(log.String(), `"level":"ERROR"`) || !strings.Contains(log.String(), tc.code) {
				t.Errorf("log %s", log)
			}
			if n := rc.counts.Snapshot().Refused[tc.code]; n != 1 {
				t.Errorf("counted %d", n)
			}
		})
	}
}

func TestStoreTimeout(t *testing.T) {
	rc, _ := newReceiver(t, func(ctx context.Context, _ *buffer.Event) (buffer.Receipt, error) {
		<-ctx.Done()
		return buffer.Receipt{}, ctx.Err()
	}, func(rc *Receiver) { rc.StoreTimeout = caddy.Duration(time.Millisecond) })
	w, _ := serve(t, rc, request(stateBody, tokenA))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "store_timeout") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A client that hangs up must not end a write half-way.
func TestStoreOutlivesClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rc, _ := newReceiver(t, func(ctx context.Context, _ *buffer.Event) (buffer.Receipt, error) {
		cancel()
		return buffer.Receipt{}, ctx.Err()
	})
	w, _ := serve(t, rc, request(stateBody, tokenA).WithContext(ctx))
	if w.Code != http.StatusOK {
		t.Errorf("status %d: the store saw the client's end", w.Code)
	}
}

func TestStoredEvent(t *testing.T) {
	var got buffer.Event
	rc, _ := newReceiver(t, func(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
		got = *e
		got.Body = bytes.Clone(e.Body)
		return buffer.Receipt{Position: 1}, nil
	})
	r := request(stateBody, tokenB)
	r.Header.Set("Content-Type", "Application/JSON;charset=UTF-8")
	before := time.Now()
	w, repl := serve(t, rc, r)
	if w.Code != http.StatusOK || w.Body.String() != answerStored {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got.ReceivedAt.Before(before) || got.Digest == 0 {
		t.Errorf("received at %v, digest %d", got.ReceivedAt, got.Digest)
	}
	got.ReceivedAt, got.Digest = time.Time{}, 0
	want := buffer.Event{
		Source: "test", ID: "e-1", Type: "VEHICLE_STATE", Mode: "LIVE", VehicleID: "vehicle-1", UserID: "user-secret-1",
		DeliveryID: "d-1", Signature: smartcar.Sign(tokenB, []byte(stateBody)),
		ContentType: "Application/JSON;charset=UTF-8", Body: []byte(stateBody),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"outcome": "stored", "event_id": "e-1", "event_type": "VEHICLE_STATE", "vehicle_id": "vehicle-1", "token": "2",
	} {
		if got := placeholder(repl, name); got != want {
			t.Errorf("{http.smartcar.%s} is %q, want %q", name, got, want)
		}
	}
}

func TestReceipts(t *testing.T) {
	for _, tc := range []struct {
		name    string
		body    string
		receipt buffer.Receipt
		answer  string
		want    api.SourceCounts
		log     string
	}{
		{"stored", stateBody, buffer.Receipt{}, answerStored, api.SourceCounts{Stored: 1}, ""},
		{"duplicate", stateBody, buffer.Receipt{Duplicate: true}, answerDuplicate, api.SourceCounts{Duplicates: 1}, ""},
		{"duplicate with other data", stateBody, buffer.Receipt{Duplicate: true, Differs: true}, answerDuplicate,
			api.SourceCounts{Duplicates: 1, Differing: 1}, "webhook.duplicate_differs"},
		{"unreadable", `{"eventType":`, buffer.Receipt{}, answerUnreadable, api.SourceCounts{Stored: 1, Unreadable: 1}, `"outcome":"unreadable"`},
		{"unreadable again", `{"eventType":`, buffer.Receipt{Duplicate: true}, answerDuplicate, api.SourceCounts{Duplicates: 1}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc, log := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) { return tc.receipt, nil })
			w, _ := serve(t, rc, request(tc.body, tokenA))
			if w.Code != http.StatusOK || w.Body.String() != tc.answer {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			got := rc.counts.Snapshot()
			if got.LastStored.IsZero() == (tc.want.Stored > 0) {
				t.Errorf("last stored %v", got.LastStored)
			}
			got.LastStored = time.Time{}
			tc.want.Matches = map[string]uint64{"1": 1}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			warned := strings.Contains(log.String(), `"level":"WARN"`)
			if warned != (tc.log != "") || !strings.Contains(log.String(), tc.log) {
				t.Errorf("log %s", log)
			}
		})
	}
}

func TestVerifyRate(t *testing.T) {
	rc, log := newReceiver(t, stored, func(rc *Receiver) { rc.Verify = &Verify{Rate: 0.01, Burst: 2} })
	for range 2 {
		if w, _ := serve(t, rc, request(verifyBody, "")); w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
	}
	w, repl := serve(t, rc, request(verifyBody, ""))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "100" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if got := placeholder(repl, "outcome"); got != "refused:verify_rate_limited" {
		t.Errorf("outcome %q", got)
	}
	if !strings.Contains(log.String(), "verify_rate_limited") {
		t.Errorf("log %s", log)
	}
}

// An answer to a challenge is a signature of that challenge; it must open nothing.
func TestChallengeAnswerIsNoSignature(t *testing.T) {
	rc, _ := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
		t.Error("stored")
		return buffer.Receipt{}, nil
	})
	w, _ := serve(t, rc, request(verifyBody, ""))
	var answer struct{ Challenge string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	r := request("Qx7mT2vLp9Rk4ZsA", "")
	r.Header.Set("SC-Signature", answer.Challenge)
	w, _ = serve(t, rc, r)
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "body_is_challenge") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A token may be shared with a receiver that answers longer challenges.
func TestChallengeAnswerOfAnotherReceiverIsNoSignature(t *testing.T) {
	for _, challenge := range []string{strings.Repeat("A", 300), strings.Repeat("A", 512), "A"} {
		wide, _ := newReceiver(t, stored, func(rc *Receiver) { rc.Verify = &Verify{ChallengeMin: 1, ChallengeMax: 512} })
		narrow, _ := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
			t.Error("stored")
			return buffer.Receipt{}, nil
		})
		w, _ := serve(t, wide, request(strings.Replace(verifyBody, "Qx7mT2vLp9Rk4ZsA", challenge, 1), ""))
		var answer struct{ Challenge string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Challenge == "" {
			t.Fatalf("%s: %v", w.Body, err)
		}
		w, _ = serve(t, narrow, withSignatures(request(challenge, ""), answer.Challenge))
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "body_is_challenge") {
			t.Errorf("%d characters: %d %s", len(challenge), w.Code, w.Body)
		}
	}
}

// Nobody without a token can keep Smartcar's signed VERIFY from being answered.
func TestSignedVerifyHasItsOwnRate(t *testing.T) {
	rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.Verify = &Verify{Rate: 0.001, Burst: 2} })
	for i, tc := range []struct {
		token string
		want  int
	}{
		{"", 200}, {"", 200}, {"", 429}, {tokenA, 200}, {tokenB, 200}, {tokenA, 429}, {"some other token", 401},
	} {
		if w, _ := serve(t, rc, request(verifyBody, tc.token)); w.Code != tc.want {
			t.Errorf("request %d: status %d, want %d", i+1, w.Code, tc.want)
		}
	}
}

// With error routes the answer is an error for them to render; the headers and the
// placeholders are there all the same.
func TestErrorRoutes(t *testing.T) {
	rc, _ := newReceiver(t, stored)
	srv := &caddyhttp.Server{Errors: &caddyhttp.HTTPErrorConfig{Routes: caddyhttp.RouteList{{}}}}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.ServerCtxKey, srv))
	w := httptest.NewRecorder()
	err := rc.ServeHTTP(w, r, nil)
	handlerErr, ok := errors.AsType[caddyhttp.HandlerError](err)
	if !ok || handlerErr.StatusCode != http.StatusMethodNotAllowed {
		t.Fatalf("error %v", err)
	}
	if w.Header().Get("Allow") != http.MethodPost || w.Body.Len() != 0 {
		t.Errorf("Allow %q, body %q", w.Header().Get("Allow"), w.Body)
	}
}

func TestConfigureRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Receiver)
		want   string
	}{
		{"a source with a blank", func(rc *Receiver) { rc.Source = "a b" }, "source"},
		{"a long source", func(rc *Receiver) { rc.Source = strings.Repeat("a", 65) }, "source"},
		{"a tiny max_size", func(rc *Receiver) { rc.MaxSize = 10 }, "max_size"},
		{"a huge max_size", func(rc *Receiver) { rc.MaxSize = 1 << 40 }, "max_size"},
		{"a negative store_timeout", func(rc *Receiver) { rc.StoreTimeout = -1 }, "store_timeout"},
		{"a store_timeout beyond Smartcar's", func(rc *Receiver) { rc.StoreTimeout = caddy.Duration(15 * time.Second) }, "store_timeout"},
		{"a read_timeout beyond Smartcar's", func(rc *Receiver) { rc.ReadTimeout = caddy.Duration(time.Minute) }, "read_timeout"},
		{"timeouts that come to Smartcar's", func(rc *Receiver) {
			rc.ReadTimeout, rc.StoreTimeout = caddy.Duration(9*time.Second), caddy.Duration(6*time.Second)
		}, "read_timeout 9s and store_timeout 6s come to 15s"},
		{"a read_timeout too long for the default store_timeout", func(rc *Receiver) { rc.ReadTimeout = caddy.Duration(10 * time.Second) }, "come to 15s"},
		{"a negative rate", func(rc *Receiver) { rc.Verify = &Verify{Rate: -1} }, "verify rate"},
		{"a negative burst", func(rc *Receiver) { rc.Verify = &Verify{Burst: -1} }, "verify burst"},
		{"challenges the wrong way round", func(rc *Receiver) { rc.Verify = &Verify{ChallengeMin: 20, ChallengeMax: 10} }, "challenge length"},
		{"long challenges", func(rc *Receiver) { rc.Verify = &Verify{ChallengeMax: 513} }, "challenge length"},
		{"a max_age below what retries take", func(rc *Receiver) {
			rc.MaxAge = &MaxAge{Mode: "refuse", Limit: caddy.Duration(smallestMaxAge - 1)}
		}, "max_age refuse 14m59.999999999s: must be at least 15m0s"},
		{"a max_age without a limit", func(rc *Receiver) { rc.MaxAge = &MaxAge{Mode: "warn"} }, "max_age warn 0s"},
		{"a max_age without a mode", func(rc *Receiver) { rc.MaxAge = &MaxAge{Limit: caddy.Duration(time.Hour)} }, "needs the mode"},
		{"a max_age that is off with a limit", func(rc *Receiver) {
			rc.MaxAge = &MaxAge{Mode: "off", Limit: caddy.Duration(time.Hour)}
		}, "needs the mode"},
		{"an unknown mode of max_age", func(rc *Receiver) { rc.MaxAge = &MaxAge{Mode: tokenA, Limit: 1} }, "the mode is off, warn or refuse"},
		{"no token", func(rc *Receiver) { rc.Tokens = nil }, "no token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc := &Receiver{Gate: Gate{Tokens: []string{tokenA}}}
			tc.change(rc)
			if _, err := rc.configure(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
