package notify

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// TestMain has the system's pool of authorities hold the one of the tests' mail server, before anything reads the pool.
func TestMain(m *testing.M) {
	server := httptest.NewTLSServer(nil)
	lent = server.TLS.Certificates[0]
	file := filepath.Join(os.TempDir(), fmt.Sprintf("notify-test-%d.pem", os.Getpid()))
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	server.Close()
	if err := errors.Join(os.WriteFile(file, block, 0o600), os.Setenv("SSL_CERT_FILE", file)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"),
		goleak.Cleanup(func(code int) {
			os.Remove(file)
			os.Exit(code)
		}))
}

// place is a target in memory, for tests whose clock is not the system's. It never makes a mistake of its own.
type place struct {
	mu  sync.Mutex
	got []payload
	// fail, where it is set, is what it answers.
	fail func(m payload) error
	// before is called with each message, before it is taken.
	before func(m payload)
}

func (p *place) Host() string { return "memory.test" }

func (p *place) Send(ctx context.Context, m send.Message) error {
	var body payload
	if err := json.Unmarshal(m.JSON, &body); err != nil {
		return err
	}
	if p.before != nil {
		p.before(body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		if err := p.fail(body); err != nil {
			return err
		}
	}
	p.got = append(p.got, body)
	return ctx.Err()
}

// titles are those of what it got, and it has none then.
func (p *place) titles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, m := range p.got {
		list = append(list, m.Title)
	}
	p.got = nil
	return list
}

func (p *place) failWith(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = nil
	if err != nil {
		p.fail = func(payload) error { return err }
	}
}

// errDown and errNo are what senders say of a server that is down, and of one that does not want a message.
var (
	errDown = &send.Error{Host: "memory.test", Reason: send.Unreachable}
	errNo   = &send.Error{Host: "memory.test", Reason: send.Refused, Code: 400}
)

// rig is a handler whose targets are in memory.
type rig struct {
	t      *testing.T
	config config
	places []*place
	// mostKeys, where it is set, bounds the entries.
	mostKeys int
	handler  *handler
	// conditions are those that stand.
	conditions sync.Map
	stop       func()
}

// newRig starts a handler with two targets.
func newRig(t *testing.T, change func(c *config)) *rig {
	t.Helper()
	r := &rig{t: t, places: []*place{{}, {}}, config: config{
		State: filepath.Join(t.TempDir(), "notify.db"), Window: 5 * time.Minute, Resolved: resolvedTold, Keep: 720 * time.Hour,
		Rate: &rateBlock{Max: 1000, Per: time.Minute},
	}}
	if change != nil {
		change(&r.config)
	}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) start() {
	r.t.Helper()
	h, err := newHandler(r.config, "people", slog.New(slog.NewTextHandler(r.t.Output(), nil)))
	if err != nil {
		r.t.Fatal(err)
	}
	if r.mostKeys > 0 {
		h.state.mostKeys = r.mostKeys
	}
	for i, p := range r.places {
		h.targets = append(h.targets, newTarget("webhook", p, fmt.Sprint(i)))
	}
	r.conditions.Clear()
	h.trouble = trouble{
		report: func(c sdk.Condition) { r.conditions.Store(c.Name, c) },
		clear:  func(name string) { r.conditions.Delete(name) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { h.run(ctx) })
	r.handler = h
	r.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
		if err := h.close(); err != nil {
			r.t.Error(err)
		}
	})
}

// restart is a stop and a start with the same state file.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

func (r *rig) handle(events ...*sdk.Event) []sdk.Status {
	r.t.Helper()
	var list []sdk.Status
	for _, err := range r.handler.handle(r.t.Context(), events) {
		list = append(list, sdk.ResultOf(err).Status)
	}
	return list
}

// want handles one event, and checks its outcome and what the first target got.
func (r *rig) want(e *sdk.Event, status sdk.Status, titles ...string) {
	r.t.Helper()
	if got := r.handle(e); got[0] != status {
		r.t.Errorf("%s is %s, want %s", e.ID, got[0], status)
	}
	r.told(titles...)
}

// told checks what the first target got since it was asked before.
func (r *rig) told(titles ...string) {
	r.t.Helper()
	if got := r.places[0].titles(); !slices.Equal(got, titles) {
		r.t.Errorf("people got %q, want %q", got, titles)
	}
}

// stands returns what is reported under a name, and whether it is.
func (r *rig) stands(name string) (sdk.Condition, bool) {
	c, ok := r.conditions.Load(name)
	if !ok {
		return sdk.Condition{}, false
	}
	return c.(sdk.Condition), true
}

const reauth = "CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED"

// vehicleError is an event with errors, each such as "ERROR TYPE/CODE", sent at so many seconds.
func vehicleError(eventID, vehicle string, seconds int, errs ...string) *sdk.Event {
	var list []string
	for _, e := range errs {
		state, code, _ := strings.Cut(e, " ")
		typ, code, _ := strings.Cut(code, "/")
		list = append(list, fmt.Sprintf(`{"type":%q,"code":%q,"state":%q}`, typ, code, state))
	}
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
	e := sdktest.Event(fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_ERROR","data":{"user":{"id":"secret-user"},`+
		`"vehicle":{"id":%q},"errors":[%s]},"meta":{"deliveredAt":%d,"mode":"LIVE"}}`,
		eventID, vehicle, strings.Join(list, ","), at.UnixMilli()))
	e.ReceivedAt = at
	return e
}

func failed(eventID, vehicle string, seconds int) *sdk.Event {
	return vehicleError(eventID, vehicle, seconds, "ERROR "+reauth)
}

func resolved(eventID, vehicle string, seconds int) *sdk.Event {
	return vehicleError(eventID, vehicle, seconds, "RESOLVED "+reauth)
}

func vehicleState(eventID, vehicle string) *sdk.Event {
	return sdktest.Event(smartcar.Sample{EventID: eventID, VehicleID: vehicle, Mode: "LIVE"}.VehicleState())
}
