// Package stdio is the bundled plugin that makes a handler of a program in any language, which reads and writes lines of
// JSON. Its README describes the config, PROTOCOL.md the lines.
//
// When the program ends by itself, the plugin's process ends too: it says how on its stderr and exits. So all that the
// host does about a plugin that crashes holds for the program without a second copy of it here: the restart with its
// backoff, the count of crashes in status and metrics, the last lines of stderr, and the search for the event that is
// the cause, which is delivered alone and becomes a dead letter.
package stdio

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Plugin is the plugin "stdio".
func Plugin() *sdk.Plugin { return newPlugin(process{exit: os.Exit}) }

// process is what of the plugin's own process a test replaces.
type process struct {
	// exit ends it.
	exit func(code int)
	// stderr takes the program's stderr; nil: that of the process.
	stderr io.Writer
}

func newPlugin(self process) *sdk.Plugin {
	return sdk.NewBatch("stdio", func(ctx context.Context, c config) (sdk.BatchHandler, error) {
		return open(ctx, c, self)
	})
}

func open(ctx context.Context, c config, self process) (sdk.BatchHandler, error) {
	path, err := child.Find(c.Command[0], c.Dir)
	if err != nil {
		return nil, sdk.ConfigError("command.0", "Program not found", err.Error())
	}
	if self.stderr == nil {
		// The SDK puts the real stderr in its place before it opens a handler.
		self.stderr = os.Stderr
	}
	p := newProgram(c.Command[0], sdk.Logger(ctx), self)
	host := os.Getppid()
	if err := p.start(child.Spec{
		Program: path, Args: c.Command[1:], Dir: c.Dir, Env: child.Environ(), ShareGroup: child.LeadsGroup(),
	}); err != nil {
		return nil, sdk.ConfigError("command.0", "Program not started", err.Error())
	}
	sdk.OnClose(ctx, func(ctx context.Context) error {
		err := p.stop(ctx)
		if os.Getppid() != host {
			// The host, which kills the group of each plugin that has ended, is gone.
			child.KillOwnGroup()
		}
		return err
	})
	hello, err := p.greet(ctx, newFirstLine(sdk.HandlerName(ctx), c.Settings), c.StartTimeout)
	if err != nil {
		err = sdk.ConfigError("command", "The program did not get ready", err.Error())
	} else {
		err = hello.check()
		if err == nil {
			err = hello.checkSettings(c.Settings)
		}
	}
	if err != nil {
		p.stopping()
		p.proc.Kill()
		return nil, err
	}
	p.ready()
	if len(hello.Wants) > 0 {
		sdk.SetEventTypes(ctx, hello.Wants...)
	}
	sdk.SetMaxBatch(ctx, max(hello.MaxBatch, 1))
	p.log.Info("the program is ready", "program", hello.who(c.Command[0]), "pid", p.proc.PID())
	h := &handler{program: p, hello: hello, raw: c.Raw}
	return h.handle, nil
}

// stop asks the program to end and waits; when ctx ends it is killed.
func (p *program) stop(ctx context.Context) error {
	p.stopping()
	p.proc.Stdin.Close()
	select {
	case <-p.proc.Exited():
	case <-ctx.Done():
		p.proc.Kill()
		<-p.proc.Exited()
		<-p.ended
		return fmt.Errorf("%s did not end when its stdin did, and was killed", p.name)
	}
	<-p.ended
	return nil
}
