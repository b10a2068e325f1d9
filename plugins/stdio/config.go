package stdio

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// config is the config block of the handlers file.
type config struct {
	Command      []string      `config:"command" doc:"The program and its arguments; no shell is involved."`
	Dir          string        `config:"dir,optional" doc:"Its working folder; default: that of Caddy."`
	Settings     any           `config:"settings,optional,sensitive" doc:"An object that the program gets with its first line."`
	Raw          bool          `config:"raw" default:"false" doc:"Give every payload as payload_base64, byte for byte."`
	StartTimeout time.Duration `config:"start_timeout" default:"10s" doc:"How long the program may take to answer its first line."`
}

// maxStartTimeout is below what the host waits for a plugin to be configured.
const maxStartTimeout = 14 * time.Second

// Validate checks what types cannot express.
func (c config) Validate() error {
	errs := []error{child.CheckCommand(c.Command, c.Dir)}
	if _, ok := c.Settings.(map[string]any); !ok && c.Settings != nil {
		errs = append(errs, sdk.ConfigError("settings", "Not an object", "Write it like { limit = 20 }."))
	}
	if c.StartTimeout < 100*time.Millisecond || c.StartTimeout > maxStartTimeout {
		errs = append(errs, sdk.ConfigError("start_timeout", "Out of range", "Use 100ms to 14s."))
	}
	return errors.Join(errs...)
}

// CheckFiles looks whether the program that a config names is there and can be run. It starts nothing.
func CheckFiles(raw json.RawMessage) []sdk.Diagnostic { return child.CheckFiles(raw) }

// checkSettings compares the settings of the handlers file with what the program says it takes.
func (h hello) checkSettings(settings any) error {
	if h.Settings == nil {
		return nil
	}
	given, _ := settings.(map[string]any)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		known, ok := h.Settings[name]
		if !ok {
			errs = append(errs, sdk.ConfigError(settingPath(name), "Unknown setting", h.settingNames()))
			continue
		}
		if !known.fits(given[name]) {
			errs = append(errs, sdk.ConfigError(settingPath(name), "Wrong value", "The program takes a "+known.Type+" here."))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Settings)) {
		s := h.Settings[name]
		if _, ok := given[name]; s.Required && !ok {
			detail := strings.TrimSpace(name + " is required. " + s.Doc)
			errs = append(errs, sdk.ConfigError("settings", "Missing setting", child.Printable([]byte(detail), maxShown)))
		}
	}
	return errors.Join(errs...)
}

// settingPath leads to a setting; the steps of a path are joined by dots.
func settingPath(name string) string {
	if strings.Contains(name, ".") {
		return "settings"
	}
	return "settings." + name
}
