package jsonl

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// config is the config block of the handlers file.
type config struct {
	Path     string        `config:"path" doc:"File to append to; its folder must exist."`
	Sync     string        `config:"sync" default:"always" doc:"When lines are forced to disk: always, interval or never."`
	Interval time.Duration `config:"sync_interval" default:"1s" doc:"How often, with sync = interval."`
	MaxSize  sdk.Bytes     `config:"max_size" default:"64MiB" doc:"Size at which the file is set aside and a new one begun; 0 is never."`
	MaxFiles int           `config:"max_files" default:"0" doc:"How many files set aside are kept; 0 keeps them all."`
}

// The values of sync.
const (
	syncAlways   = "always"
	syncInterval = "interval"
	syncNever    = "never"
)

// Validate checks what types cannot express.
func (c config) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, sdk.ConfigError("path", "Empty path",
			"Name the file to append to, such as \"/var/log/smartcar/events.jsonl\"."))
	} else if !filepath.IsAbs(c.Path) {
		errs = append(errs, sdk.ConfigWarning("path", "Relative path",
			"It is taken from the folder in which Caddy was started. Write an absolute path to be sure where the file is."))
	}
	switch c.Sync {
	case syncAlways, syncInterval, syncNever:
	default:
		errs = append(errs, sdk.ConfigError("sync", "Unknown sync policy", "Write \"always\", \"interval\" or \"never\"."))
	}
	if c.Interval < 10*time.Millisecond {
		errs = append(errs, sdk.ConfigError("sync_interval", "Too short", "Use 10ms or more, or sync = \"always\"."))
	}
	if c.MaxSize > 0 && c.MaxSize < 64<<10 {
		errs = append(errs, sdk.ConfigError("max_size", "Too small", "Use 64KiB or more, or 0 to keep one file for ever."))
	}
	if c.MaxFiles < 0 {
		errs = append(errs, sdk.ConfigError("max_files", "Negative number", "Use 0 to keep every file, or 1 and more."))
	}
	return errors.Join(errs...)
}
