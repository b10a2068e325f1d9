package sdk

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/jsonlog"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/serve"
)

// Serve runs p as a plugin process until the host ends it. It is all that main does, and it does not return. Started by
// hand, the program prints the block of the handlers file that runs it, and exits.
//
// While Serve runs, slog's default logger, package log, and what the program prints on stdout and stderr go to the
// host's log. The process ends when the host is gone, however that came about. SIGINT and SIGTERM do not end it: the
// host stops its plugins when their events are finished.
func Serve(p *Plugin) {
	if os.Getenv(handlerv1.CookieKey) != handlerv1.CookieValue {
		fmt.Fprint(os.Stderr, usage(p, os.Args))
		os.Exit(1)
	}
	// go-plugin replaces os.Stderr below; records belong on the real one.
	stderr := os.Stderr
	log := jsonlog.New(stderr)
	slog.SetDefault(log)
	srv := newServer(p, log)
	srv.stderr = stderr
	if serve.IsLifeline(os.Stdin) {
		serve.SwallowSignals(log)
		go func() {
			serve.WaitForEOF(os.Stdin)
			log.Info("the host is gone; ending")
			serve.Stop(srv)
			os.Exit(0)
		}()
	}
	plugin.Serve(serve.Config(srv, hclog.New(&hclog.LoggerOptions{
		Level: hclog.Warn, Output: stderr, JSONFormat: true,
	})))
	serve.Stop(srv)
	os.Exit(0)
}

// InProcess is for package sdktest, which serves the plugin within a test; nothing else can use what it returns.
func (p *Plugin) InProcess() serve.Plugin {
	return serve.NewPlugin(p.name, func(log *slog.Logger) serve.Server { return newServer(p, log) })
}
