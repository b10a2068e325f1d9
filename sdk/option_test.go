package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func ignore(context.Context, *sdk.Event) error { return nil }

func ExampleWithVersion() {
	p := sdk.NewSimple("printer", ignore, sdk.WithVersion("1.2.0"))
	fmt.Println(p.Name(), p.Version())
	// Output: printer 1.2.0
}

func ExampleWithEventTypes() {
	p := sdk.NewSimple("errors", ignore, sdk.WithEventTypes("VEHICLE_ERROR"))
	fmt.Println(p.EventTypes())
	// Output: [VEHICLE_ERROR]
}

func ExampleWithMaxBatch() {
	p := sdk.NewBatch("bulk", func(context.Context, struct{}) (sdk.BatchHandler, error) {
		return func(_ context.Context, events []*sdk.Event) []error {
			fmt.Println("storing", len(events))
			return nil
		}, nil
	}, sdk.WithMaxBatch(100))
	fmt.Println(p.MaxBatch())
	// Output: 100
}

func ExampleWithClose() {
	var file strings.Builder
	main := func() {
		sdk.Serve(sdk.NewSimple("printer", func(_ context.Context, e *sdk.Event) error {
			_, err := fmt.Fprintln(&file, e.ID)
			return err
		}, sdk.WithClose(func(context.Context) error {
			fmt.Println(file.String())
			return nil
		})))
	}
	_ = main
}

func TestOptions(t *testing.T) {
	tests := map[string]struct {
		opts     []sdk.Option
		version  string
		types    []string
		maxBatch int
	}{
		"several": {
			[]sdk.Option{sdk.WithVersion("2"), sdk.WithEventTypes("A", "B"), sdk.WithMaxBatch(7)}, "2", []string{"A", "B"}, 7,
		},
		"version":       {[]sdk.Option{sdk.WithVersion("2")}, "2", nil, 1},
		"event types":   {[]sdk.Option{sdk.WithVersion("2"), sdk.WithEventTypes("A")}, "2", []string{"A"}, 1},
		"the last wins": {[]sdk.Option{sdk.WithVersion("2"), sdk.WithVersion("3"), sdk.WithMaxBatch(2), sdk.WithMaxBatch(3)}, "3", nil, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := sdk.NewBatch("x", func(context.Context, struct{}) (sdk.BatchHandler, error) { return nil, nil }, tt.opts...)
			if p.Version() != tt.version || !slices.Equal(p.EventTypes(), tt.types) || p.MaxBatch() != tt.maxBatch {
				t.Errorf("version %q, event types %q, batches of %d; want %q, %q, %d",
					p.Version(), p.EventTypes(), p.MaxBatch(), tt.version, tt.types, tt.maxBatch)
			}
		})
	}
}

func TestEventTypesAreCopied(t *testing.T) {
	types := []string{"A"}
	p := sdk.NewSimple("x", ignore, sdk.WithEventTypes(types...))
	types[0] = "changed by the caller"
	p.EventTypes()[0] = "changed through the answer"
	if got := p.EventTypes(); !slices.Equal(got, []string{"A"}) {
		t.Errorf("event types %q", got)
	}
}

func TestWithCloseRunsInReverseOrder(t *testing.T) {
	var closed []string
	closer := func(name string, err error) sdk.Option {
		return sdk.WithClose(func(context.Context) error { closed = append(closed, name); return err })
	}
	host := sdktest.Start(t, sdk.NewSimple("x", ignore, closer("first", nil), closer("second", errors.New("stuck"))), nil)
	host.Handle(t.Context(), sdktest.VehicleState("event-1", "vehicle-1"))
	if len(closed) > 0 {
		t.Errorf("closed %q before Shutdown", closed)
	}
	if err := host.Shutdown(t.Context()); err == nil || err.Error() != "closing: stuck" {
		t.Errorf("Shutdown: %v", err)
	}
	if want := []string{"second", "first"}; !slices.Equal(closed, want) {
		t.Errorf("closed %q, want %q", closed, want)
	}
}
