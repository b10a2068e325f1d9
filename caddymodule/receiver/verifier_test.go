package receiver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// newVerifier provisions a verifier of a config without the app.
func newVerifier(t *testing.T, change ...func(*Verifier)) (*Verifier, *LogText) {
	t.Helper()
	v := &Verifier{Gate: Gate{Source: "test", Tokens: []string{tokenA, tokenB}}}
	for _, f := range change {
		f(v)
	}
	tokens, err := v.configure()
	if err != nil {
		t.Fatal(err)
	}
	log := new(LogText)
	v.log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if err := v.standAlone(tokens); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if held := v.bodies.Held(); held != 0 {
			t.Errorf("%d bytes are held by nobody", held)
		}
		if err := v.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return v, log
}

// Only a 2xx counts as taken, and a right signature opens the streak of refused ones whatever the application says.
func TestVerifierCountsTheAnswers(t *testing.T) {
	write := func(status int) caddyhttp.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(status); return nil }
	}
	for _, tt := range []struct {
		name             string
		next             caddyhttp.HandlerFunc
		passed, notTaken uint64
		outcome          string
		pending          uint64
	}{
		{"200", write(200), 1, 0, "passed", 0},
		{"204", write(204), 1, 0, "passed", 0},
		{"302", write(302), 0, 1, "not_taken", 1},
		{"401", write(401), 0, 1, "not_taken", 1},
		{"500", write(500), 0, 1, "not_taken", 1},
		{"an error of Caddy's", func(http.ResponseWriter, *http.Request) error { return caddyhttp.Error(502, io.EOF) }, 0, 1, "not_taken", 1},
		{"another error", func(http.ResponseWriter, *http.Request) error { return io.EOF }, 0, 1, "not_taken", 1},
		{"no answer", func(http.ResponseWriter, *http.Request) error { return nil }, 0, 0, "refused:nothing_behind", 1},
		{"breaks off", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }, 0, 1, "not_taken", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, log := newVerifier(t)
			repl := caddy.NewReplacer()
			r := request(stateBody, tokenB)
			r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl))
			func() {
				defer func() { _ = recover() }()
				_ = v.ServeHTTP(httptest.NewRecorder(), r, tt.next)
			}()
			got := v.counts.Snapshot()
			if got.Passed != tt.passed || got.NotTaken != tt.notTaken || got.LastStored.IsZero() == (tt.passed > 0) {
				t.Errorf("%+v", got)
			}
			if got := placeholder(repl, "outcome"); got != tt.outcome {
				t.Errorf("outcome %q, want %q", got, tt.outcome)
			}
			if n := v.counts.Loss.Loss().Pending; n != tt.pending {
				t.Errorf("%d deliveries are pending, want %d", n, tt.pending)
			}
			if live := v.counts.Live(); live.Signed != 1 {
				t.Errorf("%+v", live)
			}
			if logged := strings.Contains(log.String(), "webhook.not_taken"); logged != (tt.pending > 0) {
				t.Errorf("log %s", log)
			}
			for _, secret := range []string{"57.70887", "YV1TEST", "user-secret", tokenA, tokenB} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("%s is in the log: %s", secret, log)
				}
			}
		})
	}
}

// The next handler may go on reading the body when it has answered, as a transport does: nothing else is written there.
func TestVerifierKeepsTheBody(t *testing.T) {
	v, _ := newVerifier(t)
	var late []io.Reader
	var want []string
	for i := range 50 {
		body := stateBody + strings.Repeat(" ", 400*i)
		err := v.ServeHTTP(httptest.NewRecorder(), request(body, tokenA), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			late, want = append(late, r.Body), append(want, body)
			w.WriteHeader(http.StatusOK)
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if w := httptest.NewRecorder(); v.ServeHTTP(w, request(strings.Repeat("x", len(body)), "some other token"), nil) != nil || w.Code != http.StatusUnauthorized {
			t.Fatal(w.Code)
		}
	}
	for i, r := range late {
		if got, err := io.ReadAll(r); err != nil || string(got) != want[i] {
			t.Fatalf("body %d has become another one: %v", i, err)
		}
	}
}

// The body that an application works on counts for the memory of all bodies.
func TestVerifierHoldsMemoryUntilTheAnswer(t *testing.T) {
	v, _ := newVerifier(t)
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		if v.bodies.Held() == 0 {
			t.Error("nothing is held")
		}
		w.WriteHeader(http.StatusOK)
		return nil
	})
	if err := v.ServeHTTP(httptest.NewRecorder(), request(stateBody+strings.Repeat(" ", 50_000), tokenA), next); err != nil {
		t.Fatal(err)
	}
}

// A delivery that was recorded long ago is refused: without a buffer none is known.
func TestVerifierRefusesOld(t *testing.T) {
	v, _ := newVerifier(t, func(v *Verifier) { v.MaxAge = &MaxAge{Mode: maxAgeRefuse, Limit: caddy.Duration(smallestMaxAge)} })
	v.age.begun = time.Now().Add(-time.Hour)
	body := strings.Replace(stateBody, `"mode":"LIVE"`, `"mode":"LIVE","deliveredAt":"2026-01-02T03:04:05Z"`, 1)
	w := httptest.NewRecorder()
	err := v.ServeHTTP(w, request(body, tokenA), caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		return errors.New("passed on")
	}))
	if err != nil || w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "delivery_too_old") {
		t.Errorf("%v, %d %s", err, w.Code, w.Body)
	}
}

// What cannot be read has a right signature, so the application decides.
func TestVerifierPassesTheUnreadable(t *testing.T) {
	const body = `{"eventType":`
	v, log := newVerifier(t)
	err := v.ServeHTTP(httptest.NewRecorder(), request(body, tokenA), caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if got, _ := io.ReadAll(r.Body); string(got) != body || r.Header.Get(headerEventID) != "" || r.Header.Get(headerSource) != "test" {
			t.Errorf("%q with %v", got, r.Header)
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}))
	if err != nil || !strings.Contains(log.String(), "cannot be read; the application has taken it") {
		t.Errorf("%v\n%s", err, log)
	}
}
