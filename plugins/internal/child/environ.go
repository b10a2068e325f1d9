package child

import (
	"os"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// Environ is the environment of this process without what is between it and its host: what a program gets.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "PLUGIN_") || strings.HasPrefix(variable, handlerv1.CookieKey+"=")
	})
}
