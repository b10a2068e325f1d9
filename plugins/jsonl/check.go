package jsonl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Exclusive returns what of a config no two handlers may share: the attribute path, and the file that it names by its
// absolute path; "" where it names none.
func Exclusive(config json.RawMessage) (attribute, file string) {
	var c struct {
		Path string `json:"path"`
	}
	if json.Unmarshal(config, &c) != nil || c.Path == "" {
		return "path", ""
	}
	file, err := filepath.Abs(c.Path)
	if err != nil {
		return "path", ""
	}
	return "path", file
}

// CheckFile looks whether the file that a config names can be appended to, and changes nothing: the file is not made,
// and a torn line in it stays. nil: it can, as far as that shows.
func CheckFile(config json.RawMessage) []sdk.Diagnostic {
	_, path := Exclusive(config)
	if path == "" {
		return nil
	}
	if err := appendable(path); err != nil {
		return []sdk.Diagnostic{{Summary: "The file cannot be opened", Detail: err.Error(), Path: []string{"path"}}}
	}
	return nil
}

func appendable(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return creatable(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("looking at the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	return f.Close()
}

// creatable reports why no file can be made in a folder.
func creatable(folder string) error {
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
	if err := mayWrite(folder); err != nil {
		return fmt.Errorf("this user may not make a file in %s: %w", folder, err)
	}
	return nil
}
