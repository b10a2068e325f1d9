// Package exec is the bundled plugin that runs a command for each event. Its README describes the config, what the
// command gets, and what its exit code means.
package exec

import (
	"context"
	"io"
	"os"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Plugin is the plugin "exec".
func Plugin() *sdk.Plugin { return newPlugin(nil) }

// newPlugin writes what commands print to log; nil: to stderr, from where the host takes it to its log.
func newPlugin(log io.Writer) *sdk.Plugin {
	return sdk.NewBatch("exec", func(ctx context.Context, c config) (sdk.BatchHandler, error) {
		path, err := child.Find(c.Command[0], c.Dir)
		if err != nil {
			return nil, sdk.ConfigError("command.0", "Program not found", err.Error())
		}
		if log == nil {
			// The SDK puts the real stderr in its place before it opens a handler.
			log = os.Stderr
		}
		// Validate has refused what would be an error here.
		codes, _ := newCodes(c.ExitCodes)
		r := &runner{config: c, program: path, handler: sdk.HandlerName(ctx), codes: codes, log: log}
		sdk.SetMaxBatch(ctx, c.Batch)
		sdk.OnClose(ctx, func(context.Context) error {
			r.killAll()
			return nil
		})
		return r.handle, nil
	})
}
