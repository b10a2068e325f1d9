package sdk_test

import (
	"context"
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// What a handler says of itself when it is opened goes to the host, and holds where the host does not know of it.
func TestWhatTheConfigDecides(t *testing.T) {
	var calls []int
	p := sdk.NewBatch("late", func(ctx context.Context, _ struct{}) (sdk.BatchHandler, error) {
		sdk.SetEventTypes(ctx, "A", "B")
		sdk.SetMaxBatch(ctx, 2)
		return func(_ context.Context, events []*sdk.Event) []error {
			calls = append(calls, len(events))
			return nil
		}, nil
	}, sdk.WithMaxBatch(5))
	client, ctx := dial(t, p), t.Context()
	resp, err := client.Configure(ctx, &handlerv1.ConfigureRequest{})
	if err != nil || resp.GetMaxBatch() != 2 || !slices.Equal(resp.GetEventTypes(), []string{"A", "B"}) {
		t.Fatalf("%v, %v", resp, err)
	}
	events := []*handlerv1.Event{event("1", "A"), event("2", "A"), event("3", "A")}
	if _, err := client.Handle(ctx, &handlerv1.HandleRequest{Events: events}); err != nil || !slices.Equal(calls, []int{2, 1}) {
		t.Errorf("calls with %v events, %v", calls, err)
	}
}

func TestMisuseOfWhatTheConfigDecides(t *testing.T) {
	for name, misuse := range map[string]func(ctx context.Context){
		"another context":  func(context.Context) { sdk.SetEventTypes(context.Background(), "A") },
		"another, a batch": func(context.Context) { sdk.SetMaxBatch(context.Background(), 1) },
		"no events":        func(ctx context.Context) { sdk.SetMaxBatch(ctx, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			p := sdk.NewBatch("late", func(ctx context.Context, _ struct{}) (sdk.BatchHandler, error) {
				misuse(ctx)
				return func(context.Context, []*sdk.Event) []error { return nil }, nil
			})
			resp, err := dial(t, p).Configure(t.Context(), &handlerv1.ConfigureRequest{})
			if err != nil || len(resp.GetDiagnostics()) != 1 {
				t.Errorf("%v, %v", resp, err)
			}
		})
	}
}
