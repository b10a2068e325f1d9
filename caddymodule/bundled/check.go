package bundled

import (
	"encoding/json"

	httpplugin "github.com/caddy-smartcar/caddy-smartcar/plugins/http"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Check returns what a bundled plugin says about its config before it opens anything, in this process. nil also where
// there is no plugin of that name.
func Check(name string, configJSON json.RawMessage) []sdk.Diagnostic {
	plugin, ok := Plugin(name)
	if !ok {
		return nil
	}
	return plugin.CheckConfig(configJSON)
}

// CheckFiles returns what is wrong with the files that a bundled plugin's config names. It changes nothing there.
func CheckFiles(name string, configJSON json.RawMessage) []sdk.Diagnostic {
	check := plugins[name].checkFiles
	if check == nil {
		return nil
	}
	return check(configJSON)
}

// Exclusive returns what of a bundled plugin's config no two handlers may share: the attribute, and a key that is equal
// for two that are the same; false where there is no such thing.
func Exclusive(name string, configJSON json.RawMessage) (attribute, key string, ok bool) {
	exclusive := plugins[name].exclusive
	if exclusive == nil {
		return "", "", false
	}
	attribute, key = exclusive(configJSON)
	return attribute, key, key != ""
}

// Target is where a plugin sends events by HTTP.
type Target = httpplugin.Target

// Targets returns where a bundled plugin sends events by HTTP, none where it sends none so.
func Targets(name string, configJSON json.RawMessage) []Target {
	targets := plugins[name].targets
	if targets == nil {
		return nil
	}
	return targets(configJSON)
}
