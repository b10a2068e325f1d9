package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"runtime/debug"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/config"
)

// Plugin is a handler with its name and config, ready for [Serve]. It holds no state: each start opens the handler
// again.
type Plugin struct {
	name     string
	spec     *config.Spec
	settings settings
	open     func(ctx context.Context, config json.RawMessage) (opened, []Diagnostic)
	check    func(config json.RawMessage) []Diagnostic
}

// opened is a running handler: one of the two is set.
type opened struct {
	one   Handler
	batch BatchHandler
}

var pluginName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// New makes a plugin whose handler takes one event at a time. name appears in logs: lower-case letters, digits, _ and
// -. open is called once with the config, before the first event. Its context ends when the plugin stops, so it may
// carry background work, and [OnClose] takes it. An error from open refuses the config; see [ConfigError].
//
// New panics when the name or a config tag is misused.
func New[C any](name string, open func(ctx context.Context, config C) (Handler, error), opts ...Option) *Plugin {
	p := newPlugin[C](name, opts)
	if p.settings.maxBatch > 1 {
		panic(fmt.Sprintf("sdk: plugin %s: WithMaxBatch needs NewBatch", name))
	}
	p.open = func(ctx context.Context, raw json.RawMessage) (opened, []Diagnostic) {
		h, diags := openWith(ctx, p, raw, open)
		if h == nil && !hasErrors(diags) {
			diags = append(diags, noHandler(name))
		}
		return opened{one: h}, diags
	}
	return p
}

// NewBatch is [New] for a handler that takes several events in one call; see [BatchHandler]. Without [WithMaxBatch] a
// batch has one event.
func NewBatch[C any](
	name string, open func(ctx context.Context, config C) (BatchHandler, error), opts ...Option,
) *Plugin {
	p := newPlugin[C](name, opts)
	p.open = func(ctx context.Context, raw json.RawMessage) (opened, []Diagnostic) {
		h, diags := openWith(ctx, p, raw, open)
		if h == nil && !hasErrors(diags) {
			diags = append(diags, noHandler(name))
		}
		return opened{batch: h}, diags
	}
	return p
}

func noHandler(name string) Diagnostic {
	return Diagnostic{Summary: "Plugin " + name + " returned no handler", Detail: "This is a mistake in the plugin."}
}

// NewSimple makes a plugin of one function that takes no config.
func NewSimple(name string, h Handler, opts ...Option) *Plugin {
	return New(name, func(context.Context, struct{}) (Handler, error) { return h, nil }, opts...)
}

// Name is the plugin's name.
func (p *Plugin) Name() string { return p.name }

// Version is what [WithVersion] set, else the version of the program's main module.
func (p *Plugin) Version() string { return p.settings.version }

// Schema describes the config block that the plugin takes.
func (p *Plugin) Schema() Schema { return schemaOf(p.spec) }

// CheckConfig reads config, a JSON object, as the host's Configure does, and runs its Validate, but opens no handler: it
// finds the mistakes that the config alone decides, without a process. nil: there are none.
func (p *Plugin) CheckConfig(config json.RawMessage) []Diagnostic { return p.check(config) }

// MaxBatch is how many events one call takes at most; it is at least 1.
func (p *Plugin) MaxBatch() int { return p.settings.maxBatch }

// EventTypes are the event types that the plugin wants; none: all of them.
func (p *Plugin) EventTypes() []string { return slices.Clone(p.settings.eventTypes) }

func newPlugin[C any](name string, opts []Option) *Plugin {
	if !pluginName.MatchString(name) {
		panic(fmt.Sprintf(
			"sdk: plugin name %q: use lower-case letters, digits, _ and -, starting with a letter, at most 64", name))
	}
	p := &Plugin{name: name, spec: config.Of(reflect.TypeFor[C]()), settings: settings{maxBatch: 1}}
	p.check = func(raw json.RawMessage) []Diagnostic {
		_, diags := readConfig[C](p, raw)
		return diags
	}
	for _, opt := range opts {
		opt(&p.settings)
	}
	if p.settings.version == "" {
		p.settings.version = buildVersion()
	}
	return p
}

// readConfig decodes the config and runs its Validate.
func readConfig[C any](p *Plugin, raw json.RawMessage) (c C, diags []Diagnostic) {
	diags = diagnosticsOf(p.spec.Decode(raw, reflect.ValueOf(&c).Elem()))
	return c, diags
}

// openWith decodes the config and calls the author's open.
func openWith[C, H any](
	ctx context.Context, p *Plugin, raw json.RawMessage, open func(context.Context, C) (H, error),
) (handler H, diags []Diagnostic) {
	c, diags := readConfig[C](p, raw)
	if hasErrors(diags) {
		return handler, diags
	}
	summary := "Plugin " + p.name + " could not start"
	defer func() {
		if r := recover(); r != nil {
			Logger(ctx).Error("panic while opening the handler", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			diags = append(diags, Diagnostic{Summary: summary, Detail: fmt.Sprintf("Panic: %v", r)})
		}
	}()
	handler, err := open(ctx, c)
	return handler, append(diags, diagnosticsOf(config.Diagnostics(err, summary))...)
}

// buildVersion is the main module's version, "" where the build has none.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}
