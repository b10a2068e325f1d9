package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Find returns the absolute path of a program as a config names it: a name without a slash is looked for in PATH, a
// relative path from dir, or from this process's own folder where dir is "". The error says what to do.
func Find(program, dir string) (string, error) {
	if program == "" {
		return "", errors.New("no program is named")
	}
	if filepath.Base(program) == program {
		return findInPath(program)
	}
	path := program
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("the path %s: %w", program, err)
	}
	return path, checkProgram(path)
}

func findInPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("there is no program %s in the PATH of Caddy: install it, or name it by its path", name)
	case err != nil:
		return "", fmt.Errorf("looking for %s in the PATH of Caddy: %w", name, err)
	}
	return filepath.Abs(path)
}

func checkProgram(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s", path)
	case err != nil:
		return fmt.Errorf("looking at the program: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file that can be run", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: run chmod +x on it", path)
	}
	return nil
}

// CheckDir reports why dir cannot be the working folder of a program. "" is this process's own.
func CheckDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return fmt.Errorf("looking at the folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	}
	return nil
}
