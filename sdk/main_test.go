package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// runAsPlugin makes the test binary be the plugin below instead of running tests.
const runAsPlugin = "SDK_TEST_RUN_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsPlugin) != "" {
		sdk.Serve(processPlugin())
	}
	// go-plugin leaves the end of its stdio pipes to the garbage collector.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

type processConfig struct {
	Marker string `config:"marker,optional" doc:"File to write when the handler is closed."`
}

// processPlugin does what an event's type says.
func processPlugin() *sdk.Plugin {
	return sdk.New("process", func(ctx context.Context, c processConfig) (sdk.Handler, error) {
		sdk.OnClose(ctx, func(context.Context) error {
			if c.Marker == "" {
				return nil
			}
			return os.WriteFile(c.Marker, []byte("closed"), 0o600)
		})
		return func(ctx context.Context, e *sdk.Event) error {
			switch e.Type {
			case "PANIC":
				panic("no such gear")
			case "EXIT":
				fmt.Fprintln(os.Stderr, "last words")
				os.Exit(7)
			case "FAIL":
				return errors.New("did not work")
			case "LOG":
				sdk.Logger(ctx).Info("hello from the handler", "msg", "an attribute named msg")
				slog.Warn("hello from slog")
				fmt.Fprintln(os.Stdout, "hello from stdout")
			}
			return nil
		}, nil
	}, sdk.WithVersion("1.2.3"))
}
