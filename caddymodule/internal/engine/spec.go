package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// pluginSpec says how to run a definition's plugin.
func (e *Engine) pluginSpec(def *handlersfile.Definition) (pluginhost.Spec, error) {
	c := &configuration{def: def, log: e.log}
	spec := pluginhost.Spec{
		Handler:     def.Name,
		Command:     def.Command,
		Args:        def.Args,
		SHA256:      def.SHA256,
		RuntimeDir:  e.opts.RuntimeDir,
		FallbackDir: e.opts.FallbackDir,
		Configure:   c.configure,
		Explain:     c.explain,
		Log:         e.log,
	}
	for name, value := range def.Env {
		spec.Env = append(spec.Env, name+"="+value)
	}
	slices.Sort(spec.Env)
	if def.Mistake != nil {
		return spec, def.Mistake
	}
	if def.Plugin == "" {
		return spec, nil
	}
	ok := false
	if e.opts.Bundled != nil {
		spec.Command, spec.Args, ok = e.opts.Bundled(def.Plugin)
	}
	if !ok {
		return spec, fmt.Errorf("plugin %q is not compiled in: "+
			"write the path of an executable (\"./bin/%s\") or the name of a plugin that is", def.Plugin, def.Plugin)
	}
	return spec, nil
}

// configuration gives a plugin its config, and turns the plugin's remarks about it into
// errors with places in the handlers file.
type configuration struct {
	def *handlersfile.Definition
	log *slog.Logger

	mu     sync.Mutex
	schema sdk.Schema // what the plugin described last
}

func (c *configuration) configure(s sdk.Schema) ([]byte, error) {
	c.mu.Lock()
	c.schema = s
	c.mu.Unlock()
	config, diags := handlersfile.DecodeConfig(c.def.Config, s)
	if diags.HasErrors() {
		return nil, errors.Join(diags.Errs()...)
	}
	return config, nil
}

// explain returns nil when there are only warnings; those are logged.
func (c *configuration) explain(remarks []sdk.Diagnostic) error {
	c.mu.Lock()
	schema := c.schema
	c.mu.Unlock()
	var errs []error
	for _, remark := range remarks {
		located := handlersfile.Locate(c.def.Config, schema, remark)
		if remark.Warning {
			c.log.Warn("the plugin warns about its config", "handler", c.def.Name, "warning", located.Error())
			continue
		}
		errs = append(errs, located)
	}
	return errors.Join(errs...)
}

// dispatchConfig says how to deliver to a definition's handler.
func (e *Engine) dispatchConfig(def *handlersfile.Definition) dispatch.Config {
	c := dispatch.Config{
		Name:        def.Name,
		Order:       dispatch.Order(def.Order),
		Concurrency: def.Concurrency,
		Timeout:     def.Timeout,
		Retry: dispatch.RetryPolicy{
			MaxAttempts: def.Retry.MaxAttempts, MinDelay: def.Retry.MinDelay, MaxDelay: def.Retry.MaxDelay,
		},
		Breaker:   dispatch.BreakerPolicy{Failures: def.Breaker.Failures, Cooldown: def.Breaker.Cooldown},
		Batch:     dispatch.BatchPolicy{MaxEvents: def.Batch.MaxEvents, MaxWait: def.Batch.MaxWait},
		ParkAfter: dispatch.ParkPolicy{Attempts: def.ParkAfter.Attempts, Age: def.ParkAfter.Age},
		Stale:     freshness.Mode(def.Stale),
		Log:       e.log,
		Stages:    e.opts.Stages,
	}
	if e.opts.ObserveHandler != nil {
		c.Observer = e.opts.ObserveHandler(def.Name)
	}
	if def.When != nil {
		c.When, c.Awaits = def.When.Match, def.When.Awaits
	}
	return c
}

// start returns where a handler starts that is new to the buffer.
func start(s handlersfile.Start) buffer.Start {
	switch s.From {
	case handlersfile.StartNow:
		return buffer.Start{From: buffer.StartNow}
	case handlersfile.StartBeginning:
		return buffer.Start{From: buffer.StartBeginning}
	case handlersfile.StartAt:
		return buffer.Start{From: buffer.StartAt, At: s.At}
	}
	return buffer.Start{From: buffer.StartDefault}
}
