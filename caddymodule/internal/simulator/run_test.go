package simulator

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestRunSendsWhatWasAskedFor(t *testing.T) {
	rc := newReceiver(t)
	o := rc.options()
	o.Count, o.Concurrency, o.Vehicles, o.Size = 200, 8, 7, 2048
	o.Forge, o.Duplicates = 0.1, 0.25
	var results []Result
	o.OnResult = func(r Result) { results = append(results, r) }
	s := run(t, o)

	if !s.OK() || s.Events != 200 || s.Forged != 20 || s.Duplicates != 45 || s.Retries != 0 {
		t.Errorf("summary %+v", s)
	}
	if s.Accepted != 225 || s.Refused != 20 || s.Failed != 0 || s.Fooled != 0 || s.Unsettled != 0 {
		t.Errorf("summary %+v", s)
	}
	wantAnswers := []Answer{{200, "stored", 225}, {401, "signature_mismatch", 20}}
	if diff := cmp.Diff(wantAnswers, s.Answers); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
	if l := s.Latency; l.Min <= 0 || l.Min > l.P50 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.Max {
		t.Errorf("latency %+v", l)
	}
	if len(results) != 245 {
		t.Errorf("%d results, want 245", len(results))
	}
	checkReceived(t, rc)
	checkResults(t, rc, results)
}

func checkReceived(t *testing.T, rc *receiver) {
	t.Helper()
	byID := map[string][]smartcar.Envelope{}
	vehicles := map[string]bool{}
	for _, e := range rc.events {
		byID[e.EventID] = append(byID[e.EventID], e)
		vehicles[e.VehicleID] = true
	}
	twice := 0
	for id, all := range byID {
		switch {
		case len(all) == 1:
		case len(all) == 2 && all[0].DeliveryID != all[1].DeliveryID && all[0].Digest == all[1].Digest:
			twice++
		default:
			t.Errorf("event %s came as %+v", id, all)
		}
	}
	if len(byID) != 180 || twice != 45 || len(vehicles) != 7 {
		t.Errorf("%d events, %d twice, of %d vehicles; want 180, 45, 7", len(byID), twice, len(vehicles))
	}
	if len(rc.sizes) != 1 || rc.sizes[2048] != 225 {
		t.Errorf("sizes %v, want 2048 only", rc.sizes)
	}
}

func checkResults(t *testing.T, rc *receiver, results []Result) {
	t.Helper()
	received := map[string]string{}
	for _, e := range rc.events {
		received[e.EventID] = e.VehicleID
	}
	for _, r := range results {
		vehicle, ok := received[r.EventID]
		if r.Forged == ok || ok && vehicle != r.VehicleID {
			t.Errorf("received is %t for %+v", ok, r)
		}
		want := Result{Type: "VEHICLE_STATE", Attempt: 1, Last: true, Status: 200, AnswerCode: "stored"}
		if r.Forged {
			want.Status, want.AnswerCode = 401, "signature_mismatch"
		}
		want.Seq, want.EventID, want.VehicleID, want.Latency = r.Seq, r.EventID, r.VehicleID, r.Latency
		want.Forged, want.Duplicate = r.Forged, r.Duplicate
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("result (-want +got)\n%s", diff)
		}
	}
}

func TestRunErrorEvents(t *testing.T) {
	rc := newReceiver(t)
	o := rc.options()
	o.Type, o.Count, o.Mode = TypeError, 3, "LIVE"
	if s := run(t, o); s.Accepted != 3 || !s.OK() {
		t.Errorf("summary %+v", s)
	}
	for _, e := range rc.events {
		if e.EventType != smartcar.TypeVehicleError || e.Mode != "LIVE" {
			t.Errorf("received %+v", e)
		}
	}
}

func TestRunOwnBody(t *testing.T) {
	rc := newReceiver(t)
	o := rc.options()
	o.Body = []byte(`{"eventId": "mine", "eventType": "VEHICLE_NEW", "vehicleId": "v"}`)
	o.Count = 2
	var last Result
	o.OnResult = func(r Result) { last = r }
	if s := run(t, o); s.Accepted != 2 || rc.sizes[len(o.Body)] != 2 {
		t.Errorf("summary %+v, sizes %v", s, rc.sizes)
	}
	if last.EventID != "mine" || last.VehicleID != "v" || last.Type != "VEHICLE_NEW" {
		t.Errorf("result %+v", last)
	}
}

func TestRunVerify(t *testing.T) {
	rc := newReceiver(t)
	for _, typ := range []Type{TypeVerify, TypeVerifyV2} {
		t.Run(string(typ), func(t *testing.T) {
			o := rc.options()
			o.Type, o.Count, o.Forge = typ, 4, 0.5
			s := run(t, o)
			if !s.OK() || s.Accepted != 2 || s.Refused != 2 {
				t.Errorf("summary %+v", s)
			}
		})
	}
}

// Receivers that do something wrong, and what the simulator must say of each.
func TestRunFindsProblems(t *testing.T) {
	keys := smartcar.NewKeys(token)
	challenge := func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		e, _ := smartcar.ParseEnvelope(body)
		return e.Challenge
	}
	answer := func(status int, contentType string, body func(*http.Request) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text := body(r)
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	right := func(r *http.Request) string {
		return string(smartcar.AnswerBody(keys.AnswerChallenge(challenge(r))))
	}
	fixed := func(body string) func(*http.Request) string { return func(*http.Request) string { return body } }
	const json = "application/json"
	tests := []struct {
		name    string
		typ     Type
		forge   float64
		handler http.Handler
		want    string
		fooled  bool
		any2xx  bool
	}{
		{"right answer", TypeVerify, 0, answer(200, json, right), "", false, false},
		{"wrong token", TypeVerify, 0, answer(200, json, func(r *http.Request) string {
			return string(smartcar.AnswerBody(smartcar.NewKeys("another").AnswerChallenge(challenge(r))))
		}), "the hash in the answer is wrong", false, false},
		{"upper-case hash", TypeVerify, 0, answer(200, json, func(r *http.Request) string { return strings.ToUpper(right(r)) }),
			"the hash in the answer is wrong", false, false},
		{"empty answer", TypeVerifyV2, 0, answer(200, json, fixed("")), "the hash in the answer is wrong", false, false},
		{"created", TypeVerify, 0, answer(201, json, right), "a challenge must be answered with status 200", false, false},
		{"plain text", TypeVerify, 0, answer(200, "text/plain", right), "the answer to a challenge must have the content type application/json", false, false},
		{"oracle", TypeVerify, 1, answer(200, json, right), "a challenge that is an event's body was answered: the receiver signs whatever it is sent", true, false},
		{"takes everything", TypeState, 1, answer(200, json, fixed("")), "a forged event was accepted", true, false},
		{"refuses everything", TypeState, 0, answer(401, json, fixed("")), "the event was refused", false, false},
		{"says nothing", TypeState, 0, answer(200, json, fixed("")), notReceiver, false, false},
		{"is a site", TypeState, 0, answer(200, "text/html", fixed("<html>hello</html>")), notReceiver, false, false},
		{"is another API", TypeState, 0, answer(200, json, fixed(`{"status":"ok"}`)), notReceiver, false, false},
		{"has it already", TypeState, 0, answer(200, json, fixed(`{"status":"duplicate"}`)), "", false, false},
		{"is an application", TypeState, 0, answer(204, json, fixed("")), "", false, true},
		{"is an application that fails", TypeState, 0, answer(502, json, fixed("")), "the event was refused", false, true},
		{"redirects", TypeState, 0, http.RedirectHandler("/elsewhere", http.StatusFound), "the event was refused", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewTLSServer(tt.handler)
			defer server.Close()
			o := Options{URL: server.URL, Token: token, Client: server.Client(), Type: tt.typ, Forge: tt.forge, Any2xx: tt.any2xx}
			var got Result
			o.OnResult = func(r Result) { got = r }
			s := run(t, o)
			if got.Problem != tt.want {
				t.Errorf("problem %q, want %q", got.Problem, tt.want)
			}
			if s.OK() != (tt.want == "") || (s.Fooled == 1) != tt.fooled {
				t.Errorf("summary %+v", s)
			}
		})
	}
}

func TestRunNoAnswer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	server.StartTLS()
	defer server.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	cutting := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cutting.Close()
	tests := []struct{ name, url, want string }{
		{"nobody there", gone.URL, "connection refused"},
		{"unknown certificate", server.URL, "certificate not trusted"},
		{"cut off", cutting.URL, "connection closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got Result
			s := run(t, Options{URL: tt.url + "/?key=hush", Token: token, OnResult: func(r Result) { got = r }})
			if want := []Answer{{0, tt.want, 1}}; s.Failed != 1 || !cmp.Equal(s.Answers, want) {
				t.Errorf("answers %v, want %v", s.Answers, want)
			}
			if got.Err == nil || strings.Contains(got.Err.Error(), "hush") || got.Status != 0 {
				t.Errorf("result %+v", got)
			}
		})
	}
}

func TestRunInterrupted(t *testing.T) {
	rc := newReceiver(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hang := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rc.seen() < 5 {
			rc.serve(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client is gone
		cancel()
		<-r.Context().Done()
		// An answer could still overtake the end of the connection.
		panic(http.ErrAbortHandler)
	})
	rc.Config.Handler = hang
	o := rc.options()
	o.Count, o.Retry = 1000, true
	s, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Interrupted || s.OK() || s.Accepted != 5 || s.Events != 6 || s.Unsettled != 1 || s.Failed != 0 {
		t.Errorf("summary %+v", s)
	}
	if want := []Answer{{200, "stored", 5}}; !cmp.Equal(s.Answers, want) {
		t.Errorf("answers %v, want %v", s.Answers, want)
	}
}

func (rc *receiver) seen() int {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return len(rc.events)
}

func TestPlan(t *testing.T) {
	deliveries := func(seed uint64, forge, duplicates float64) (all []delivery) {
		o, err := Options{URL: "https://x", Token: "t", Count: 1000, Forge: forge, Duplicates: duplicates, Seed: seed}.check()
		if err != nil {
			t.Fatal(err)
		}
		p := newPlan(o)
		for d, ok := p.next(); ok; d, ok = p.next() {
			d.recordedAt = time.Time{} // the one thing that is not of the seed
			all = append(all, d)
		}
		return all
	}
	if !slices.Equal(deliveries(7, 0.1, 0.1), deliveries(7, 0.1, 0.1)) {
		t.Error("the same seed makes another plan")
	}
	if slices.Equal(deliveries(7, 0.1, 0.1), deliveries(8, 0.1, 0.1)) {
		t.Error("another seed makes the same plan")
	}
	tests := []struct {
		forge, duplicates         float64
		wantForged, wantDuplicate int
	}{
		{0, 0, 0, 0},
		{1, 1, 1000, 0},
		{0, 1, 0, 1000},
		{0.333, 0.5, 333, 334},
		{0.001, 0.001, 1, 1},
	}
	for _, tt := range tests {
		forged, duplicates := 0, 0
		ids := map[string]int{}
		for _, d := range deliveries(7, tt.forge, tt.duplicates) {
			ids[d.eventID]++
			if d.forged {
				forged++
			}
			if d.duplicate {
				duplicates++
			}
		}
		if forged != tt.wantForged || duplicates != tt.wantDuplicate || len(ids) != 1000 {
			t.Errorf("shares %v and %v: %d forged, %d duplicates, %d ids", tt.forge, tt.duplicates, forged, duplicates, len(ids))
		}
	}
}
