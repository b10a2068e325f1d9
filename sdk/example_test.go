package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

type exampleConfig struct {
	Table   string        `config:"table" doc:"Where to write."`
	Token   string        `config:"token,optional,sensitive"`
	Timeout time.Duration `config:"timeout" default:"10s"`
}

func (c exampleConfig) Validate() error {
	if c.Timeout <= 0 {
		return sdk.ConfigError("timeout", "Not a time to wait", "Use a time above zero, such as \"10s\".")
	}
	return nil
}

// A handler with a config, as a whole program: main calls sdk.Serve with the
// plugin made here.
func ExampleNew() {
	p := sdk.New("my-handler", func(_ context.Context, c exampleConfig) (sdk.Handler, error) {
		return func(ctx context.Context, _ *sdk.Event) error {
			sdk.Logger(ctx).Info("storing", "table", c.Table)
			return nil
		}, nil
	})
	for _, a := range p.Schema().Attributes {
		fmt.Printf("%s: %s, required %t, default %q\n", a.Name, a.Type, a.Required, a.Default)
	}
	// Output:
	// table: string, required true, default ""
	// token: string, required false, default ""
	// timeout: string, required false, default "\"10s\""
}

// The shortest handler there is.
func ExampleNewSimple() {
	main := func() {
		sdk.Serve(sdk.NewSimple("printer", func(_ context.Context, e *sdk.Event) error {
			fmt.Println(e.Type, e.VehicleID)
			return nil
		}))
	}
	_ = main
}

// A handler that stores many events at once.
func ExampleNewBatch() {
	insert := func(context.Context, []*sdk.Event) error { return nil }
	p := sdk.NewBatch("bulk", func(context.Context, struct{}) (sdk.BatchHandler, error) {
		return func(ctx context.Context, events []*sdk.Event) []error {
			return sdk.FailAll(len(events), insert(ctx, events))
		}, nil
	}, sdk.WithMaxBatch(100))
	fmt.Println(p.Name(), p.MaxBatch())
	// Output: bulk 100
}

// What the host is told for an error.
func ExampleResultOf() {
	down := errors.New("connection refused")
	for _, err := range []error{
		nil,
		down,
		sdk.Retry(time.Minute, down),
		fmt.Errorf("storing: %w", sdk.Unavailable(down)),
		sdk.Reject("unknown_vehicle", nil),
	} {
		r := sdk.ResultOf(err)
		fmt.Printf("%s %s %q %q\n", r.Status, r.RetryAfter, r.Reason, r.Error)
	}
	// Output:
	// done 0s "" ""
	// retry 0s "" "connection refused"
	// retry 1m0s "" "connection refused"
	// unavailable 0s "" "storing: connection refused"
	// reject 0s "unknown_vehicle" "rejected: unknown_vehicle"
}

// Errors that the host shows at their place in the handlers file.
func ExampleConfigError() {
	fmt.Println(sdk.ConfigError("tls.cert", "Not a certificate", "Name a file in PEM."))
	fmt.Println(sdk.ConfigError("", "Too much", "Set url or path, not both."))
	// Output:
	// tls.cert: Not a certificate: Name a file in PEM.
	// Too much: Set url or path, not both.
}
