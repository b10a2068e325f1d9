package sdk_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/serve"
)

// dial serves p in this process and returns a client of it.
func dial(t *testing.T, p *sdk.Plugin) handlerv1.HandlerServiceClient {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served, err := serve.InProcess(ctx, p.InProcess(), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	prefix := map[string]string{"unix": "unix:"}[served.Addr.Network()]
	conn, err := grpc.NewClient(prefix+served.Addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		<-served.Done
	})
	return handlerv1.NewHandlerServiceClient(conn)
}

// gate is a handler that waits for a word at each event.
type gate struct {
	entered, open chan struct{}
	closed        chan struct{}
	life          context.Context
}

func newGate() *gate {
	return &gate{entered: make(chan struct{}, 10), open: make(chan struct{}), closed: make(chan struct{}, 10)}
}

func (g *gate) plugin() *sdk.Plugin {
	type config struct {
		Fail bool `config:"fail,optional"`
	}
	return sdk.New("gate", func(ctx context.Context, c config) (sdk.Handler, error) {
		g.life = ctx
		sdk.OnClose(ctx, func(context.Context) error { g.closed <- struct{}{}; return nil })
		if c.Fail {
			return nil, errors.New("asked to fail")
		}
		return func(ctx context.Context, _ *sdk.Event) error {
			g.entered <- struct{}{}
			select {
			case <-g.open:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, nil
	}, sdk.WithVersion("9"), sdk.WithEventTypes("VEHICLE_STATE"))
}

func wantCode(t *testing.T, what string, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Errorf("%s: %v, want %v", what, err, code)
	}
}

func TestServerKeepsItsOrder(t *testing.T) {
	g := newGate()
	close(g.open)
	client, ctx := dial(t, g.plugin()), t.Context()
	handle := func() error {
		_, err := client.Handle(ctx, &handlerv1.HandleRequest{Events: []*handlerv1.Event{event("1", "X")}})
		return err
	}
	wantCode(t, "Handle before Configure", handle(), codes.FailedPrecondition)

	d, err := client.Describe(ctx, &handlerv1.DescribeRequest{})
	if err != nil || d.GetName() != "gate" || d.GetVersion() != "9" || d.GetMaxBatch() != 1 || len(d.GetEventTypes()) != 1 {
		t.Errorf("Describe: %v, %v", d, err)
	}
	refused, err := client.Configure(ctx, &handlerv1.ConfigureRequest{ConfigJson: []byte(`{"fail":true}`)})
	if err != nil || len(refused.GetDiagnostics()) != 1 {
		t.Errorf("a failing Configure: %v, %v", refused, err)
	}
	if len(g.closed) != 1 || g.life.Err() == nil {
		t.Error("what a refused config had opened was not closed")
	}
	wantCode(t, "Handle after a refused config", handle(), codes.FailedPrecondition)

	accepted, err := client.Configure(ctx, &handlerv1.ConfigureRequest{})
	if err != nil || len(accepted.GetDiagnostics()) != 0 {
		t.Errorf("Configure: %v, %v", accepted, err)
	}
	_, err = client.Configure(ctx, &handlerv1.ConfigureRequest{})
	wantCode(t, "a second Configure", err, codes.FailedPrecondition)
	wantCode(t, "Handle", handle(), codes.OK)
	if g.life.Err() != nil {
		t.Error("the context of open ended with Configure")
	}

	_, err = client.Shutdown(ctx, &handlerv1.ShutdownRequest{})
	wantCode(t, "Shutdown", err, codes.OK)
	if len(g.closed) != 2 || g.life.Err() == nil {
		t.Error("Shutdown did not close the handler")
	}
	wantCode(t, "Handle after Shutdown", handle(), codes.Unavailable)
	_, err = client.Shutdown(ctx, &handlerv1.ShutdownRequest{})
	wantCode(t, "a second Shutdown", err, codes.OK)
	if len(g.closed) != 2 {
		t.Error("the handler was closed twice")
	}
}

func TestServerAnswersEmptyBatches(t *testing.T) {
	client, ctx := dial(t, newGate().plugin()), t.Context()
	if _, err := client.Configure(ctx, &handlerv1.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	resp, err := client.Handle(ctx, &handlerv1.HandleRequest{})
	if err != nil || len(resp.GetResults()) != 0 {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestShutdownWaitsForWhatIsInFlight(t *testing.T) {
	g := newGate()
	client, ctx := dial(t, g.plugin()), t.Context()
	if _, err := client.Configure(ctx, &handlerv1.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	handled := make(chan error, 1)
	go func() {
		_, err := client.Handle(ctx, &handlerv1.HandleRequest{Events: []*handlerv1.Event{event("1", "X")}})
		handled <- err
	}()
	<-g.entered
	stopped := make(chan error, 1)
	go func() {
		_, err := client.Shutdown(ctx, &handlerv1.ShutdownRequest{})
		stopped <- err
	}()
	// Shutdown has begun once a new call is turned away.
	for status.Code(probe(ctx, client)) != codes.Unavailable {
		if ctx.Err() != nil {
			t.Fatal("Shutdown never began")
		}
	}
	select {
	case <-g.closed:
		t.Fatal("closed while an event was in flight")
	case err := <-stopped:
		t.Fatalf("Shutdown returned while an event was in flight: %v", err)
	default:
	}
	close(g.open)
	if err := <-handled; err != nil {
		t.Errorf("the event in flight: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestAHostThatGivesUpOnOpening(t *testing.T) {
	opening, closed := make(chan struct{}, 2), make(chan struct{}, 2)
	first := true
	p := sdk.New("slow", func(ctx context.Context, _ struct{}) (sdk.Handler, error) {
		sdk.OnClose(ctx, func(context.Context) error { closed <- struct{}{}; return nil })
		opening <- struct{}{}
		if first {
			first = false
			<-ctx.Done()
		}
		return func(context.Context, *sdk.Event) error { return nil }, nil
	})
	client := dial(t, p)
	ctx, giveUp := context.WithCancel(t.Context())
	go func() {
		<-opening
		giveUp()
	}()
	_, err := client.Configure(ctx, &handlerv1.ConfigureRequest{})
	wantCode(t, "Configure given up", err, codes.Canceled)
	<-closed
	// What was given up takes a moment to be put away.
	for {
		_, err = client.Configure(t.Context(), &handlerv1.ConfigureRequest{})
		if status.Code(err) != codes.FailedPrecondition || t.Context().Err() != nil {
			break
		}
	}
	wantCode(t, "Configure anew", err, codes.OK)
	wantCode(t, "Handle", probe(t.Context(), client), codes.OK)
}

// probe is a Handle call that costs nothing.
func probe(ctx context.Context, client handlerv1.HandlerServiceClient) error {
	_, err := client.Handle(ctx, &handlerv1.HandleRequest{})
	return err
}

func TestShutdownClosesBeforeItsDeadline(t *testing.T) {
	g := newGate()
	client := dial(t, g.plugin())
	if _, err := client.Configure(t.Context(), &handlerv1.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	handled := make(chan error, 1)
	handling, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	go func() {
		_, err := client.Handle(handling, &handlerv1.HandleRequest{Events: []*handlerv1.Event{event("1", "X")}})
		handled <- err
	}()
	<-g.entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := client.Shutdown(ctx, &handlerv1.ShutdownRequest{}); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if len(g.closed) != 1 {
		t.Error("the handler was not closed in time")
	}
	giveUp()
	<-handled
}
