package engine

import (
	"errors"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// What a bundled plugin says are words of this project, unless it passes on those of a program of the user's.
func TestWhoseWordsAPluginSays(t *testing.T) {
	e := New(Options{
		Bundled:   func(string) (string, []string, bool) { return "caddy", nil, true },
		PassesOn:  func(plugin string) bool { return plugin == "stdio" },
		NewPlugin: func(pluginhost.Spec) Plugin { return absent{why: errors.New("not started")} },
	})
	t.Cleanup(func() { _ = e.Destruct() })
	for name, tt := range map[string]struct {
		def  handlersfile.Definition
		want bool
	}{
		"bundled":      {handlersfile.Definition{Plugin: "http"}, true},
		"passes on":    {handlersfile.Definition{Plugin: "stdio"}, false},
		"of the users": {handlersfile.Definition{Command: "/srv/handler"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := e.newRunner(tt.def).status().Bundled; got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
