// Package ownfile is about the one file that a handler writes, and that no two handlers may share.
package ownfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Path returns the absolute path of the file that an attribute of a config names, "" where it names none.
func Path(config json.RawMessage, attribute string) string {
	var c map[string]any
	if json.Unmarshal(config, &c) != nil {
		return ""
	}
	name, _ := c[attribute].(string)
	if name == "" {
		return ""
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return ""
	}
	return path
}

// Check reports why a file cannot be opened for reading and writing, or made where it is not there. It changes nothing.
// flag is or-ed into those of opening, such as os.O_APPEND.
func Check(path string, flag int) error {
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
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0)
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
