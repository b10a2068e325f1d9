package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Exclusive returns what of a config no two handlers may share: the attribute state, and the file that it names by its
// absolute path; "" where it names none.
func Exclusive(config json.RawMessage) (attribute, file string) {
	var c struct {
		State string `json:"state"`
	}
	if json.Unmarshal(config, &c) != nil || c.State == "" {
		return "state", ""
	}
	file, err := filepath.Abs(c.State)
	if err != nil {
		return "state", ""
	}
	return "state", file
}

// CheckFile looks whether the state file that a config names can be there, and changes nothing. nil: it can, as far as
// that shows.
func CheckFile(config json.RawMessage) []sdk.Diagnostic {
	_, path := Exclusive(config)
	if path == "" {
		return nil
	}
	if err := checkState(path); err != nil {
		return []sdk.Diagnostic{{Summary: "The state file cannot be opened", Detail: err.Error(), Path: []string{"state"}}}
	}
	return nil
}

// checkState reports why a file cannot be the state file.
func checkState(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("looking at the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	return f.Close()
}

func checkFolder(folder string) error {
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s: make it", folder)
	}
	if err != nil {
		return fmt.Errorf("looking at the folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", folder)
	}
	return nil
}
