package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// application is what the handler "crm" posts to. It can be told how to answer.
type application struct {
	url string

	mu       sync.Mutex
	status   map[string]int // by vehicle; else 200
	received []string       // event ids that were answered with 200, in order
	replayed []string       // those of them that came as a replay
	refused  map[string]int // by vehicle, how many answers were others
}

func startApplication(t *testing.T) *application {
	t.Helper()
	a := &application{status: map[string]int{}, refused: map[string]int{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e, err := smartcar.ParseEnvelope(body)
	a.mu.Lock()
	defer a.mu.Unlock()
	if status, ok := a.status[e.VehicleID]; ok || err != nil {
		a.refused[e.VehicleID]++
		w.WriteHeader(max(status, http.StatusBadRequest))
		return
	}
	a.received = append(a.received, e.EventID)
	if r.Header.Get("X-Smartcar-Replay") == "true" {
		a.replayed = append(a.replayed, e.EventID)
	}
}

// answer lets the application answer a vehicle's events with a status; 200 is as usual.
func (a *application) answer(vehicle string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if status == http.StatusOK {
		delete(a.status, vehicle)
		return
	}
	a.status[vehicle] = status
}

func (a *application) events() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.received)
}

// refusals are how often an event of a vehicle was answered with something else than 200.
func (a *application) refusals(vehicle string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused[vehicle]
}

func (a *application) replays() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.replayed)
}

const adminHandlers = `handler "archive" {
  plugin = "jsonl"
  config {
    path = %q
  }
}

handler "crm" {
  plugin      = "http"
  concurrency = 2

  retry {
    max_attempts = 3
    min_delay    = "10ms"
    max_delay    = "20ms"
  }
  breaker {
    failures = 1000
  }
  config {
    url = %q
  }
}
`

// newAdminSite is a site with a handler that writes and one that posts.
func newAdminSite(t *testing.T) (*site, *application) {
	t.Helper()
	s, app := newSite(t), startApplication(t)
	s.write(t, "handlers.hcl", s.adminHandlers(app.url))
	return s, app
}

func (s *site) adminHandlers(url string) string { return fmt.Sprintf(adminHandlers, s.events, url) }

// startAdmin starts Caddy and waits until its admin endpoint answers for the app: HTTP
// servers may be there before.
func (s *site) startAdmin(t *testing.T) *process {
	t.Helper()
	p := s.start(t)
	waitFor(t, "the admin API answers", 20*time.Second, func() bool {
		return s.askAdmin(t, http.MethodGet, "/smartcar/status", "").status == http.StatusOK && s.atWork(t)
	})
	return p
}

// sendEvents stores so many events of a vehicle and returns their ids, in order.
func (s *site) sendEvents(t *testing.T, vehicle string, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = uuid.NewString()
		body := smartcar.Sample{EventID: ids[i], VehicleID: vehicle, DeliveryID: uuid.NewString(), RecordedAt: time.Now(), Mode: "LIVE"}.VehicleState()
		status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body))
		if err != nil || status != http.StatusOK {
			t.Fatalf("event %d of %s: %d, %v\n%s", i, vehicle, status, err, s.log())
		}
	}
	return ids
}

// adminAnswer is an answer of the admin API.
type adminAnswer struct {
	status int
	header http.Header
	body   []byte
}

// said is the error in an answer.
func (a adminAnswer) said() string {
	var e struct{ Error string }
	_ = json.Unmarshal(a.body, &e)
	return e.Error
}

// askAdmin sends a request to the running Caddy's admin endpoint.
func (s *site) askAdmin(t *testing.T, method, path, body string, headers ...string) adminAnswer {
	t.Helper()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.admin)
		},
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return adminAnswer{resp.StatusCode, resp.Header, data}
}

// get decodes the answer to a GET, which must be a 200.
func (s *site) get(t *testing.T, path string, into any) {
	t.Helper()
	answer := s.askAdmin(t, http.MethodGet, path, "")
	if answer.status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, answer.status, answer.body)
	}
	if err := json.Unmarshal(answer.body, into); err != nil {
		t.Fatalf("GET %s: %v\n%s", path, err, answer.body)
	}
}

// run runs a `caddy smartcar …` that talks to the site's Caddy, and returns what it
// printed and its exit code.
func (s *site) run(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd, _ := command(t, append(args, "--address", "unix/"+s.admin)...)
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		code = exit.ExitCode()
	}
	return printed.String(), code
}

// must runs a command that must succeed and print some words.
func (s *site) must(t *testing.T, words string, args ...string) string {
	t.Helper()
	out, code := s.run(t, args...)
	if code != 0 || !strings.Contains(out, words) {
		t.Fatalf("caddy smartcar %v: exit code %d, want 0 and %q\n%s", args, code, words, out)
	}
	return out
}

// refused runs a command that must fail and print some words.
func (s *site) refused(t *testing.T, words string, args ...string) {
	t.Helper()
	out, code := s.run(t, args...)
	if code == 0 || !strings.Contains(out, words) {
		t.Errorf("caddy smartcar %v: exit code %d, want a failure and %q\n%s", args, code, words, out)
	}
}

// The parts of the admin API's answers that the tests look at.
type adminStatus struct {
	Healthy   bool
	Receiving struct {
		Healthy bool
		State   string
	}
	Sources []struct {
		Name               string
		Stored, Duplicates uint64
		Refused            map[string]uint64
	}
	Buffer struct {
		Events      uint64
		DeadLetters uint64  `json:"dead_letters"`
		LimitBytes  uint64  `json:"limit_bytes"`
		Syncs       uint64  `json:"syncs"`
		LimitShare  float64 `json:"limit_share"`
	}
	Handlers  []adminHandler
	Removed   []adminHandler `json:"removed_handlers"`
	Replays   []adminReplay
	Attention []struct{ Level, What, Do string }
}

type adminHandler struct {
	Name, Place, State string
	PausedSince        time.Time `json:"paused_since"`
	RemovedAt          time.Time `json:"removed_at"`
	LetGoAt            time.Time `json:"let_go_at"`
	Plugin             struct {
		Name          string
		Up            bool
		PID           int
		UptimeSeconds float64 `json:"uptime_seconds"`
	}
	Behind struct {
		Events  uint64
		Seconds float64
	}
	InFlight int `json:"in_flight"`
	Counts   struct{ Delivered, Dead, Replayed, Retried uint64 }
}

type adminReplay struct {
	ID, Handler, Kind, State string
	Rate, Share              float64
	Fed, Open, Unwanted      uint64
}

type adminEvent struct {
	Position                     uint64
	ID, Type, Mode, Source       string
	VehicleID                    string    `json:"vehicle_id"`
	ReceivedAt                   time.Time `json:"received_at"`
	SizeBytes                    int       `json:"size_bytes"`
	Payload                      json.RawMessage
	PayloadBase64                []byte `json:"payload_base64"`
	Handlers                     []adminStanding
	Handler, Reason, Code        string
	Attempts                     int
	LastError                    string `json:"last_error"`
	Event                        *adminEvent
	DiedAt                       time.Time `json:"died_at"`
	FirstAttemptAt, NextAttemptA time.Time
}

type adminStanding struct {
	Handler, State string
	Attempts       int
	DeadLetter     string    `json:"dead_letter"`
	LastError      string    `json:"last_error"`
	NextAttemptAt  time.Time `json:"next_attempt_at"`
}

type adminPage struct {
	Items      []adminEvent
	NextCursor string `json:"next_cursor"`
}

func (s *site) status(t *testing.T) adminStatus {
	t.Helper()
	var v adminStatus
	s.get(t, "/smartcar/status", &v)
	return v
}

// handler is one handler's status.
func (s *site) handler(t *testing.T, name string) adminHandler {
	t.Helper()
	v := s.status(t)
	i := slices.IndexFunc(v.Handlers, func(h adminHandler) bool { return h.Name == name })
	if i < 0 {
		t.Fatalf("no handler %s in %+v", name, v)
	}
	return v.Handlers[i]
}

func (s *site) replay(t *testing.T, id string) adminReplay {
	t.Helper()
	var r adminReplay
	s.get(t, "/smartcar/replays/"+id, &r)
	return r
}

// settled waits until no handler is behind.
func (s *site) settled(t *testing.T) {
	t.Helper()
	waitFor(t, "all events are settled", 20*time.Second, func() bool {
		for _, h := range s.status(t).Handlers {
			if h.Behind.Events > 0 {
				return false
			}
		}
		return true
	})
}

// atWork reports whether handlers are there and none of them is still being started.
func (s *site) atWork(t *testing.T) bool {
	t.Helper()
	handlers := s.status(t).Handlers
	return len(handlers) > 0 && !slices.ContainsFunc(handlers, func(h adminHandler) bool { return h.State == "starting" })
}
