package sdk_test

import (
	"context"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

func TestTraceParent(t *testing.T) {
	const right = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var got []string
	one := sdktest.Start(t, sdk.NewSimple("one", func(ctx context.Context, _ *sdk.Event) error {
		got = append(got, sdk.TraceParent(ctx))
		return nil
	}), nil)
	batch := sdktest.Start(t, sdk.NewBatch("batch", func(context.Context, struct{}) (sdk.BatchHandler, error) {
		return func(ctx context.Context, _ []*sdk.Event) []error {
			got = append(got, sdk.TraceParent(ctx))
			return nil
		}, nil
	}, sdk.WithMaxBatch(2)), nil)
	for name, tc := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"traced":         {sdktest.WithTraceParent(t.Context(), right), right},
		"not traced":     {t.Context(), ""},
		"twice":          {sdktest.WithTraceParent(sdktest.WithTraceParent(t.Context(), right), right), ""},
		"not in hex":     {sdktest.WithTraceParent(t.Context(), strings.Replace(right, "4b", "4B", 1)), ""},
		"cut off":        {sdktest.WithTraceParent(t.Context(), right[:54]), ""},
		"of a later age": {sdktest.WithTraceParent(t.Context(), right+"-more"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got = nil
			one.Handle(tc.ctx, sdktest.VehicleState("e-1", "v-1"))
			batch.Handle(tc.ctx, sdktest.VehicleState("e-1", "v-1"), sdktest.VehicleState("e-2", "v-2"))
			if len(got) != 2 || got[0] != tc.want || got[1] != tc.want {
				t.Errorf("got %q, want twice %q", got, tc.want)
			}
		})
	}
	if got := sdk.TraceParent(sdktest.WithTraceParent(t.Context(), right)); got != "" {
		t.Errorf("outside of a call: %q", got)
	}
}
