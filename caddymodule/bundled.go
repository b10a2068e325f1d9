package caddymodule

import (
	"maps"
	"os"
	"slices"

	httpplugin "github.com/caddy-smartcar/caddy-smartcar/plugins/http"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/jsonl"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// bundled are the plugins that ship inside this binary. Each is still run as a process
// of its own, by starting the binary again.
var bundled = map[string]func() *sdk.Plugin{
	"http":  httpplugin.Plugin,
	"jsonl": jsonl.Plugin,
}

// bundledNames are the keys of bundled, sorted.
func bundledNames() []string { return slices.Sorted(maps.Keys(bundled)) }

func bundledSchema(name string) (sdk.Schema, bool) {
	create, ok := bundled[name]
	if !ok {
		return sdk.Schema{}, false
	}
	return create().Schema(), true
}

// bundledPlugin makes a bundled plugin.
func bundledPlugin(name string) (*sdk.Plugin, bool) {
	create, ok := bundled[name]
	if !ok {
		return nil, false
	}
	return create(), true
}

// bundledCommand says how to start a bundled plugin.
func bundledCommand(name string) (command string, args []string, ok bool) {
	if _, ok := bundled[name]; !ok {
		return "", nil, false
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, false
	}
	return self, []string{"smartcar", "plugin", name}, true
}
