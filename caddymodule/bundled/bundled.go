// Package bundled knows the plugins that ship inside the Caddy binary.
package bundled

import (
	"encoding/json"
	"maps"
	"os"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/exec"
	httpplugin "github.com/caddy-smartcar/caddy-smartcar/plugins/http"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/jsonl"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/postgres"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/stdio"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// plugin is what this binary knows of a plugin beside its process. All but create may be nil.
type plugin struct {
	create func() *sdk.Plugin
	// checkFiles, exclusive and targets are those of CheckFiles, Exclusive and Targets.
	checkFiles func(config json.RawMessage) []sdk.Diagnostic
	exclusive  func(config json.RawMessage) (attribute, key string)
	targets    func(config json.RawMessage) []Target
	// passesOn and greets are those of PassesOn and Greets.
	passesOn, greets bool
}

// plugins are the plugins that ship inside this binary. Each is still run as a process of its own, by starting the
// binary again.
var plugins = map[string]plugin{
	"exec":     {create: exec.Plugin, checkFiles: exec.CheckFiles, passesOn: true},
	"http":     {create: httpplugin.Plugin, checkFiles: httpplugin.CheckFiles, targets: httpplugin.Targets},
	"jsonl":    {create: jsonl.Plugin, checkFiles: jsonl.CheckFile, exclusive: jsonl.Exclusive},
	"notify":   {create: notify.Plugin, checkFiles: notify.CheckFile, exclusive: notify.Exclusive},
	"postgres": {create: postgres.Plugin},
	"stdio":    {create: stdio.Plugin, checkFiles: stdio.CheckFiles, passesOn: true, greets: true},
}

// Names are the names of the bundled plugins, sorted.
func Names() []string { return slices.Sorted(maps.Keys(plugins)) }

// Schema is the config schema of a bundled plugin; false where there is none of that name.
func Schema(name string) (sdk.Schema, bool) {
	plugin, ok := Plugin(name)
	if !ok {
		return sdk.Schema{}, false
	}
	return plugin.Schema(), true
}

// Plugin makes a bundled plugin.
func Plugin(name string) (*sdk.Plugin, bool) {
	p, ok := plugins[name]
	if !ok {
		return nil, false
	}
	return p.create(), true
}

// PassesOn reports whether a bundled plugin passes on what a program of the user's says, which may be anything.
func PassesOn(name string) bool { return plugins[name].passesOn }

// Greets reports whether a bundled plugin starts a program of the user's with its config, and asks it whether it is ready
// before there is an event.
func Greets(name string) bool { return plugins[name].greets }

// Command says how to start a bundled plugin: this program again, with arguments. It is false where there is no
// plugin of that name, or the program does not know its own path.
func Command(name string) (command string, args []string, ok bool) {
	if _, ok := plugins[name]; !ok {
		return "", nil, false
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, false
	}
	return self, []string{"smartcar", "plugin", name}, true
}
