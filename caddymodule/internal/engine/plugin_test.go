package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// runAsPlugin as first argument makes the test binary be the plugin below.
const runAsPlugin = "run-as-plugin"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == runAsPlugin {
		sdk.Serve(witness())
	}
	// go-plugin leaves the end of its stdio pipes to the garbage collector.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"))
}

type witnessConfig struct {
	File     string        `config:"file" doc:"Where to write a line per event."`
	Label    string        `config:"label,optional" doc:"Stands in each line."`
	Broke    bool          `config:"broke,optional" doc:"Refuse to open."`
	Unless   string        `config:"unless,optional" doc:"Refuse to open until this file is there."`
	Hang     bool          `config:"hang,optional" doc:"Never answer."`
	Pause    time.Duration `config:"pause,optional" doc:"How long an event takes."`
	Gate     string        `config:"gate,optional" doc:"Wait with each event until this file is there."`
	Down     string        `config:"down,optional" doc:"Be unavailable as long as this file is not there."`
	Fail     string        `config:"fail,optional" doc:"Fail events as long as this file is not there."`
	Refuse   string        `config:"refuse,optional" doc:"Reject events as long as this file is not there."`
	Farewell time.Duration `config:"farewell,optional" doc:"Write a line with the event \"closed\" so long after the stop began."`
}

// witness is a plugin that writes what it gets to a file: label, pid, event, attempt.
func witness() *sdk.Plugin {
	return sdk.New("witness", func(ctx context.Context, c witnessConfig) (sdk.Handler, error) {
		if c.Broke {
			return nil, sdk.ConfigError("broke", "It is broken", "Mend it.")
		}
		if c.Unless != "" {
			if _, err := os.Stat(c.Unless); err != nil {
				return nil, errors.New("the file is not there yet")
			}
		}
		c.Label += strings.Join(os.Args[2:], "")
		f, err := os.OpenFile(c.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		if c.Farewell > 0 {
			sdk.OnClose(ctx, func(context.Context) error {
				<-time.After(c.Farewell)
				_, err := fmt.Fprintf(f, "%s %d closed 0 false\n", c.Label, os.Getpid())
				return err
			})
		}
		return func(ctx context.Context, e *sdk.Event) error {
			if c.Hang {
				<-ctx.Done()
				return ctx.Err()
			}
			if c.Pause > 0 {
				<-time.After(c.Pause)
			}
			for c.Gate != "" && !exists(c.Gate) {
				<-time.After(5 * time.Millisecond)
			}
			if c.Down != "" && !exists(c.Down) {
				return sdk.Unavailable(errors.New("the database is away"))
			}
			if c.Fail != "" && !exists(c.Fail) {
				return errors.New("the file is not there")
			}
			if c.Refuse != "" && !exists(c.Refuse) {
				return sdk.Reject("refused", errors.New("the file is not there"))
			}
			_, err := fmt.Fprintf(f, "%s %d %s %d %t\n", c.Label, os.Getpid(), e.ID, e.Attempt, e.Replay)
			return err
		}, nil
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
