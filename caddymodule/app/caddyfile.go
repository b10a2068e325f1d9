package app

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// bufferNamespace is where buffers register.
const bufferNamespace = "smartcar.buffers"

var appOptions = []string{
	"buffer", "handlers", "ignore_vehicle_errors", "attention", "drain_timeout", "body_memory", "require_buffer",
	"metrics", "log_stages", "tracing", "vehicles", "quarantine",
}

// parseGlobalOption reads the global option. A second block is a mistake, not a correction.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next()
		return nil, d.Errf("a second %s block: put everything into one", Name)
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	app.HandlersDigest = app.digest()
	return httpcaddyfile.App{Name: Name, Value: caddyconfig.JSON(app, nil)}, nil
}

// digest hashes the handlers files, "" where there are none or they cannot be read from here. Then a reload of the same
// Caddyfile does nothing without --force, or provisioning says what is wrong with them.
func (a *App) digest() string {
	paths, err := a.handlerPaths()
	if err != nil || len(paths) == 0 {
		return ""
	}
	digest, err := handlersfile.Digest(paths)
	if err != nil {
		return ""
	}
	return digest
}

// UnmarshalCaddyfile reads the app from the global option:
//
//	smartcar {
//	    buffer        <type> { ... }
//	    handlers      <file or folder...>
//	    ignore_vehicle_errors
//	    attention     { ... }
//	    drain_timeout <duration>
//	    body_memory   <size>
//	    require_buffer
//	    metrics       <on|off>
//	    log_stages    <stage...> | all | none
//	    tracing
//	    vehicles      off | { ... }
//	    quarantine    { ... }
//	}
//
// All of it is optional; handlers may be repeated.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		// The argument is not repeated: it may be a token.
		return d.Errf("%s takes no argument, only a block", Name)
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := a.unmarshalOption(d, seen); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool) error {
	option := d.Val()
	if option != "handlers" {
		if err := directive.Once(d, seen, option); err != nil {
			return err
		}
	}
	switch option {
	case "buffer":
		return a.unmarshalBuffer(d)
	case "handlers":
		paths := d.RemainingArgs()
		if len(paths) == 0 {
			return d.Err("handlers needs a file or a folder, as in `handlers handlers.hcl`")
		}
		for _, path := range paths {
			if path == "" {
				return d.Err("handlers: a path is empty")
			}
		}
		a.Handlers = append(a.Handlers, paths...)
		return directive.NoBlock(d, option)
	case "attention":
		return a.unmarshalAttention(d)
	case "drain_timeout":
		v, err := directive.Duration(d, "4s")
		if err != nil {
			return err
		}
		if err := checkDrainTimeout(v); err != nil {
			return d.WrapErr(err)
		}
		a.DrainTimeout = v
		return nil
	case "body_memory":
		v, err := directive.Size(d, "32MiB")
		if err != nil {
			return err
		}
		if err := checkBodyMemory(v); err != nil {
			return d.WrapErr(err)
		}
		a.BodyMemory = v
		return nil
	case "vehicles":
		return a.unmarshalVehicles(d)
	case "ignore_vehicle_errors":
		a.IgnoreVehicleErrors = true
		return directive.Flag(d)
	case "quarantine":
		return a.unmarshalQuarantine(d)
	case "require_buffer":
		a.RequireBuffer = true
		return directive.Flag(d)
	case "metrics":
		on, err := onOrOff(d)
		if err != nil {
			return err
		}
		a.Metrics = &Metrics{Disabled: !on}
		return directive.NoBlock(d, option)
	case "log_stages":
		a.LogStages = d.RemainingArgs()
		if len(a.LogStages) == 0 {
			return d.Err("log_stages needs the names of stages, `all` or `none`, as in `log_stages processing.failed`")
		}
		if _, err := parseStages(a.LogStages); err != nil {
			return d.WrapErr(err)
		}
		return directive.NoBlock(d, option)
	case "tracing":
		a.Tracing = true
		return directive.Flag(d)
	default:
		return directive.UnknownOption(d, option, appOptions)
	}
}

func onOrOff(d *caddyfile.Dispenser) (on bool, err error) {
	value, err := directive.Arg(d, "off")
	if err == nil && value != "on" && value != "off" {
		// The value is not repeated: it may be a token.
		err = d.Errf("metrics takes on or off, as in `metrics off`")
	}
	return value == "on", err
}

func (a *App) unmarshalBuffer(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Errf("buffer needs a type, one of: %s", strings.Join(bufferTypes(), ", "))
	}
	name := d.Val()
	id := bufferNamespace + "." + name
	if _, err := caddy.GetModule(id); err != nil {
		return d.Errf("unknown buffer type '%s'; there is: %s", name, strings.Join(bufferTypes(), ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, id)
	if err != nil {
		return err
	}
	a.BufferRaw = caddyconfig.JSONModuleObject(module, "type", name, nil)
	return nil
}

func bufferTypes() []string {
	var names []string
	for _, info := range caddy.GetModules(bufferNamespace) {
		names = append(names, info.ID.Name())
	}
	return names
}

// Interface guard.
var _ caddyfile.Unmarshaler = (*App)(nil)
