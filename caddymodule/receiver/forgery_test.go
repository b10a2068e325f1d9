package receiver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// storedBodies is a store that keeps what it was given.
func storedBodies(t *testing.T) (storeFunc, func() []buffer.Event) {
	t.Helper()
	var events []buffer.Event
	return func(_ context.Context, e *buffer.Event) (buffer.Receipt, error) {
		kept := *e
		kept.Body = bytes.Clone(e.Body)
		events = append(events, kept)
		return buffer.Receipt{Position: uint64(len(events))}, nil
	}, func() []buffer.Event { return events }
}

// A signature is of the very bytes that came, however else the same JSON may be written.
func TestSignatureIsOfTheBytes(t *testing.T) {
	const compact = `{"eventId":"e-1","eventType":"VEHICLE_STATE"}`
	for _, other := range []string{
		`{ "eventId": "e-1", "eventType": "VEHICLE_STATE" }`,
		`{"eventType":"VEHICLE_STATE","eventId":"e-1"}`,
		`{"eventId":"e-1","eventType":"VEHICLE\u005fSTATE"}`,
		compact + "\n",
		" " + compact,
		`{"eventId":"e-2","eventType":"VEHICLE_STATE"}`,
	} {
		store, events := storedBodies(t)
		rc, _ := newReceiver(t, store)
		w, _ := serve(t, rc, withSignatures(request(compact, ""), smartcar.Sign(tokenA, []byte(other))))
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "signature_mismatch") {
			t.Errorf("signed %q, sent %q: %d %s", other, compact, w.Code, w.Body)
		}
		w, _ = serve(t, rc, withSignatures(request(other, ""), smartcar.Sign(tokenA, []byte(compact))))
		if w.Code != http.StatusUnauthorized || len(events()) != 0 {
			t.Errorf("signed %q, sent %q: %d %s, %d stored", compact, other, w.Code, w.Body, len(events()))
		}
		w, _ = serve(t, rc, request(other, tokenA))
		if w.Code != http.StatusOK || len(events()) != 1 || string(events()[0].Body) != other {
			t.Errorf("%q: %d %s, stored %+v", other, w.Code, w.Body, events())
		}
	}
}

// Only a VERIFY may come without a signature.
func TestUnsignedEventIsRefused(t *testing.T) {
	for _, body := range []string{
		stateBody, `{"eventType":`, ``, `[]`, `"VERIFY"`,
		// Not a VERIFY, although it has a challenge.
		`{"eventType":"VEHICLE_STATE","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`,
	} {
		store, events := storedBodies(t)
		rc, _ := newReceiver(t, store)
		w, _ := serve(t, rc, request(body, ""))
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "signature_missing") || len(events()) != 0 {
			t.Errorf("%q: %d %s, %d stored", body, w.Code, w.Body, len(events()))
		}
		empty := request(body, "")
		empty.Header[signatureHeader] = []string{""}
		w, _ = serve(t, rc, empty)
		if w.Code != http.StatusUnauthorized || len(events()) != 0 {
			t.Errorf("%q with an empty header: %d %s, %d stored", body, w.Code, w.Body, len(events()))
		}
	}
}

// A challenge that could be the body of an event is never answered: the answer would be
// that event's signature.
func TestOnlyPlainChallengesAreAnswered(t *testing.T) {
	forged := strings.ReplaceAll(stateBody, `"`, `\"`)
	for _, challenge := range []string{
		forged, `{}`, `{\"eventType\":1}`, "short", "", "Qx7mT2vLp9Rk4Zs ", "Qx7mT2vLp9Rk4Zs.", strings.Repeat("A", 129), "Qx7mT2vLp9Rk4Zsä",
	} {
		for _, token := range []string{"", tokenA} {
			rc, _ := newReceiver(t, stored)
			w, _ := serve(t, rc, request(`{"eventType":"VERIFY","data":{"challenge":"`+challenge+`"}}`, token))
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "challenge_refused") {
				t.Errorf("challenge %q, token %q: %d %s", challenge, token, w.Code, w.Body)
			}
		}
	}
}

// What is signed rightly and cannot be read reaches the store, byte for byte.
func TestUnreadableIsStored(t *testing.T) {
	for _, body := range []string{`{"eventType":`, `[1]`, `1.5`, "\xff\xfe", `{} {}`} {
		store, events := storedBodies(t)
		rc, _ := newReceiver(t, store)
		w, _ := serve(t, rc, request(body, tokenA))
		if w.Code != http.StatusOK || w.Body.String() != answerUnreadable {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
		if all := events(); len(all) != 1 || string(all[0].Body) != body || all[0].Unreadable == "" || all[0].ID == "" {
			t.Errorf("%q: stored %+v", body, all)
		}
	}
}

// Events without an id of their own must not be taken for one another.
func TestEventsWithoutAnIDDiffer(t *testing.T) {
	store, events := storedBodies(t)
	rc, _ := newReceiver(t, store)
	long := strings.Repeat("x", intake.MaxEventID+1)
	for _, body := range []string{
		`{"eventType":"VEHICLE_STATE"}`, `{"eventType":"VEHICLE_ERROR"}`, `{"eventType":`, `{"eventType":[`,
		`{"eventId":"` + long + `1","eventType":"VEHICLE_STATE"}`, `{"eventId":"` + long + `2","eventType":"VEHICLE_STATE"}`,
	} {
		serve(t, rc, request(body, tokenA))
	}
	ids := make(map[string]bool)
	for _, e := range events() {
		ids[e.ID] = true
	}
	if len(events()) != 6 || len(ids) != 6 || ids[""] {
		t.Errorf("%d events stored, with the ids %v", len(events()), ids)
	}
}

// Requests share their memory one after the other, and nothing of one reaches the next.
func TestBodiesDoNotMix(t *testing.T) {
	store, events := storedBodies(t)
	rc, _ := newReceiver(t, store)
	bodies := []string{stateBody, `{"eventId":"e-2"}`, stateBody + strings.Repeat(" ", 2*initialBody), `{"eventId":"e-3"}`, `{}`}
	for range 20 {
		for _, body := range bodies {
			if w, _ := serve(t, rc, request(body, tokenA)); w.Code != http.StatusOK {
				t.Fatalf("%q: %d %s", body, w.Code, w.Body)
			}
		}
	}
	for i, e := range events() {
		if want := bodies[i%len(bodies)]; string(e.Body) != want {
			t.Fatalf("event %d has the body %q, want %q", i, e.Body, want)
		}
	}
}

// endless is a body that never ends, and counts how much of it was read.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	if e.read > 1<<30 {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

// A body that announces no length is read up to max_size and no further.
func TestBodyOfUnknownLengthIsBounded(t *testing.T) {
	rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.MaxSize = 10_000 })
	body := new(endless)
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	w, _ := serve(t, rc, r)
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "body_too_large") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if body.read > 100_000 {
		t.Errorf("%d bytes were read of a body that may have 10000", body.read)
	}
	exact := request(strings.Repeat("x", 10_000), tokenA)
	exact.ContentLength = -1
	if w, _ := serve(t, rc, exact); w.Code != http.StatusOK {
		t.Errorf("a body of exactly max_size: %d %s", w.Code, w.Body)
	}
}

// A body that another handler has put in the place of the announced one ends there as well.
func TestBodyLongerThanAnnounced(t *testing.T) {
	for _, announced := range []int64{1, 10_000, 20_000, largestPooled, largestPooled + 1} {
		rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.MaxSize = 1 << 20 })
		r := httptest.NewRequest(http.MethodPost, "/", new(endless))
		r.ContentLength = announced
		r.Header.Set("Content-Type", "application/json")
		if w, _ := serve(t, rc, r); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes announced: %d %s", announced, w.Code, w.Body)
		}
	}
}
