package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// Check is one thing that Preflight has looked at.
type Check struct {
	// What it was.
	What string
	// Errors are what a reload would be refused for, Warnings what it would go on with. Each
	// begins with its place, where that is known.
	Errors, Warnings []string
}

// PreflightOptions say how far Preflight goes.
type PreflightOptions struct {
	// Plugins: programs of the user's own, those of stdio among them, are started, take their config, and end.
	Plugins bool
	// Log takes what they say meanwhile.
	Log *slog.Logger

	limits           buffer.Limits
	sources, passing []string
}

// Preflight finds what a reload of the config, Caddy's JSON, would be refused for, and touches
// nothing that runs: the buffer is not opened and no file is written. It goes on after mistakes.
func Preflight(ctx context.Context, config []byte, opts PreflightOptions) []Check {
	whole := Check{What: "the config, as Caddy loads it"}
	cfg := new(caddy.Config)
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(config), cfg); err != nil {
		whole.Errors = append(whole.Errors, fmt.Sprintf("decoding the config: %v", err))
		return []Check{whole}
	}
	sites := sitesOf(cfg.AppsRaw["http"])
	a := new(App)
	if raw := cfg.AppsRaw[Name]; raw != nil {
		if err := caddy.StrictUnmarshalJSON(raw, a); err != nil {
			whole.Errors = append(whole.Errors, fmt.Sprintf("decoding the app %s: %v", Name, err))
			return []Check{whole}
		}
	}
	storage, opener := a.preflightBuffer()
	if opener != nil {
		opts.limits = opener.Limits()
	}
	sites.Warnings = append(sites.Warnings, longMaxAges(cfg.AppsRaw["http"], opts.limits.DedupeWindow)...)
	opts.sources, opts.passing = sourcesOf(cfg.AppsRaw["http"])
	handlers, definitions := a.preflightHandlers(ctx, opts)
	if len(handlers) > 0 && len(handlers[0].Errors) > 0 {
		// They have been said; the rest of the config is looked at without them.
		a.Handlers = nil
		cfg.AppsRaw[Name], _ = json.Marshal(a)
	}
	if err := validate(cfg); err != nil {
		whole.Errors = append(whole.Errors, err.Error())
	}
	checks := append([]Check{whole, sites, storage}, handlers...)
	if len(definitions) > 0 {
		checks = append(checks, preflightSockets(opener))
	}
	return append(checks, definitions...)
}

// validate is what `caddy validate` does. Where the config says nothing of the default log it is silent: what matters is
// in the checks. It stays on stderr, since Caddy would say there that it moves it.
func validate(cfg *caddy.Config) error {
	if cfg.Logging == nil {
		cfg.Logging = &caddy.Logging{}
	}
	if cfg.Logging.Logs == nil {
		cfg.Logging.Logs = map[string]*caddy.CustomLog{}
	}
	if cfg.Logging.Logs[caddy.DefaultLoggerName] == nil {
		cfg.Logging.Logs[caddy.DefaultLoggerName] = &caddy.CustomLog{BaseLog: caddy.BaseLog{
			WriterRaw: json.RawMessage(`{"output":"stderr"}`), Level: "FATAL",
		}}
	}
	return caddy.Validate(cfg)
}

func sitesOf(raw json.RawMessage) Check {
	check := Check{What: "the sites that take webhooks"}
	var app struct {
		Servers map[string]*sitecheck.Server `json:"servers"`
	}
	if raw == nil || json.Unmarshal(raw, &app) != nil {
		return check // what cannot be read is for Caddy to say
	}
	for _, server := range app.Servers {
		losses, bypasses := server.Findings()
		for _, f := range append(losses, bypasses...) {
			check.Warnings = append(check.Warnings, fmt.Sprintf("site %s: %s: %s", f.Site, f.Directive, f.Text))
		}
	}
	return check
}

// preflightBuffer looks whether there can be a buffer where the config wants it. The opener is nil where the config has
// none that can be loaded.
func (a *App) preflightBuffer() (Check, buffer.Opener) {
	check := Check{What: "the buffer"}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	tried := App{BufferRaw: a.BufferRaw}
	if err := tried.loadBuffer(ctx); err != nil {
		return check, nil // Caddy's own load says so
	}
	check.What += " in " + tried.opener.Key()
	if place, ok := tried.opener.(interface{ CheckPlace() error }); ok {
		if err := place.CheckPlace(); err != nil {
			check.Errors = append(check.Errors, err.Error())
		}
	}
	return check, tried.opener
}

// preflightSockets looks whether plugins could have their sockets anywhere.
func preflightSockets(opener buffer.Opener) Check {
	check := Check{What: "a folder for the plugins' sockets"}
	if err := engine.CheckSocketPlaces(localDir(opener)); err != nil {
		check.Errors = append(check.Errors, err.Error())
	}
	return check
}

// preflightHandlers returns a check of the files and one for each handler without a mistake in them.
func (a *App) preflightHandlers(ctx context.Context, opts PreflightOptions) (files, each []Check) {
	check := Check{What: "the handlers files"}
	paths, err := a.handlerPaths()
	if err != nil {
		check.Errors = append(check.Errors, err.Error())
		return []Check{check}, nil
	}
	if len(paths) == 0 {
		return nil, nil
	}
	check.What += " " + strings.Join(paths, ", ")
	file, diags := readHandlers(paths)
	programs := make(map[string][]string)
	for _, d := range diags {
		line := handlersfile.Line(d)
		handler, ok := handlersfile.RefusesReload(d)
		switch {
		case ok:
			programs[handler] = append(programs[handler], line)
		case d.Severity == hcl.DiagError:
			check.Errors = append(check.Errors, line)
		default:
			check.Warnings = append(check.Warnings, line)
		}
	}
	check.Warnings = append(check.Warnings, shortRetention(opts.limits, file.Handlers)...)
	check.Warnings = append(check.Warnings, unknownSources(opts.sources, opts.passing, file.Handlers)...)
	each = make([]Check, len(file.Handlers))
	types := make([][]string, len(file.Handlers))
	var wg sync.WaitGroup
	for i := range file.Handlers {
		d := &file.Handlers[i]
		place := fmt.Sprintf("handler %q (%s:%d)", d.Name, d.Range.Filename, d.Range.Start.Line)
		if d.Plugin != "" {
			each[i] = Check{What: place + ": the plugin " + d.Plugin + ", its config and files"}
			each[i].Errors, each[i].Warnings = filesOf(d)
			types[i] = typesOf(d.Plugin)
			if opts.Plugins && bundled.Greets(d.Plugin) && len(check.Errors)+len(each[i].Errors) == 0 {
				wg.Go(func() { types[i] = try(ctx, d, opts.Log, &each[i]) })
			}
			continue
		}
		each[i] = Check{What: place + ": the program " + d.Command, Errors: programs[d.Name]}
		if opts.Plugins && len(each[i].Errors) == 0 {
			wg.Go(func() { types[i] = try(ctx, d, opts.Log, &each[i]) })
		}
	}
	wg.Wait()
	if len(check.Errors) == 0 {
		check.Warnings = append(check.Warnings, a.untakenErrors(file.Handlers, types, opts.sources)...)
	}
	return []Check{check}, each
}

// filesOf returns what is wrong with the files that a bundled plugin's config names, and what is odd.
func filesOf(d *handlersfile.Definition) (wrong, odd []string) {
	schema, _ := bundled.Schema(d.Plugin)
	for _, remark := range bundled.CheckFiles(d.Plugin, d.ConfigJSON) {
		line := handlersfile.Line(handlersfile.Locate(d.Config, schema, remark))
		if remark.Warning {
			odd = append(odd, line)
		} else {
			wrong = append(wrong, line)
		}
	}
	return wrong, odd
}

// try starts a program of the user's own. It returns the event types that it wants, none where it wants all or that is
// not known.
func try(ctx context.Context, d *handlersfile.Definition, log *slog.Logger, check *Check) (types []string) {
	state, err := engine.Try(ctx, *d, engine.Options{Bundled: bundled.Command, Log: log})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			err = errors.New("not finished: it was interrupted")
		}
		check.Errors = append(check.Errors, err.Error())
		return nil
	}
	if d.Plugin != "" {
		check.What += ", whose program started, answered and took its settings"
		return state.EventTypes
	}
	check.What += fmt.Sprintf(", which started as %s %s and took its config", state.PluginName, state.Version)
	return state.EventTypes
}
