package module

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckPlace looks whether the buffer's directory can be used or made, and changes nothing. It does
// not look into it: another process may have it open.
func (m *Module) CheckPlace() error {
	info, err := os.Stat(m.Path)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file: name a folder as the buffer's path", m.Path)
	}
	if err == nil {
		return m.mayWrite(m.Path)
	}
	for dir := m.Path; errors.Is(err, fs.ErrNotExist); {
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
		if info, err = os.Stat(dir); err == nil {
			if !info.IsDir() {
				return fmt.Errorf("the buffer's folder %s cannot be made: %s is a file", m.Path, dir)
			}
			return m.mayWrite(dir)
		}
	}
	return fmt.Errorf("looking at the buffer's folder: %w", err)
}

func (m *Module) mayWrite(dir string) error {
	if err := mayWrite(dir); err != nil {
		return fmt.Errorf("the buffer's folder %s: this user may not write into %s: %w", m.Path, dir, err)
	}
	return nil
}
