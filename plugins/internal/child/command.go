package child

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// CheckCommand checks what a config says of a program, without a look at the disk: the attributes command and dir.
func CheckCommand(command []string, dir string) error {
	var errs []error
	switch {
	case len(command) == 0 || command[0] == "":
		errs = append(errs, sdk.ConfigError("command", "No program",
			"Name the program and its arguments: command = [\"python3\", \"/srv/handler.py\"]."))
	case strings.ContainsAny(command[0], " \t") && len(command) == 1:
		errs = append(errs, sdk.ConfigWarning("command.0", "Blank in the name of a program",
			"No shell splits it: write each argument as an element of its own, or [\"sh\", \"-c\", \"...\"]."))
	case filepath.Base(command[0]) != command[0] && !filepath.IsAbs(command[0]) && dir == "":
		errs = append(errs, sdk.ConfigWarning("command.0", "Relative path",
			"It is taken from the folder in which Caddy was started. Write an absolute path, or set dir."))
	}
	if dir != "" && !filepath.IsAbs(dir) {
		errs = append(errs, sdk.ConfigWarning("dir", "Relative path",
			"It is taken from the folder in which Caddy was started. Write an absolute path."))
	}
	for _, arg := range append([]string{dir}, command...) {
		if strings.ContainsRune(arg, 0) {
			errs = append(errs, sdk.ConfigError("command", "Zero byte", "No program can be given a zero byte."))
		}
	}
	return errors.Join(errs...)
}

// CheckFiles looks whether the program and the folder that a config's command and dir name are there and can be used. It
// starts nothing.
func CheckFiles(config json.RawMessage) []sdk.Diagnostic {
	var c struct {
		Command []string `json:"command"`
		Dir     string   `json:"dir"`
	}
	if json.Unmarshal(config, &c) != nil || len(c.Command) == 0 {
		return nil
	}
	if err := CheckDir(c.Dir); err != nil {
		return []sdk.Diagnostic{{Summary: "Folder not found", Detail: err.Error(), Path: []string{"dir"}}}
	}
	if _, err := Find(c.Command[0], c.Dir); err != nil {
		return []sdk.Diagnostic{{Summary: "Program not found", Detail: err.Error(), Path: []string{"command", "0"}}}
	}
	return nil
}
