package pluginhost

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// checkExecutable finds before the start what would only show as an odd error of
// the system after it.
func checkExecutable(path, sum string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("command %q is not an absolute path", path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s: build the plugin there, or correct the path", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("may not look at %s: let the user that runs Caddy enter its directory", path)
	case err != nil:
		return fmt.Errorf("looking at the executable: %w", err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory: name the executable in it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: run chmod +x on it", path)
	}
	if sum == "" {
		return nil
	}
	return checkSum(path, sum)
}

func checkSum(path, sum string) error {
	want, err := hex.DecodeString(sum)
	if err != nil || len(want) != sha256.Size {
		return fmt.Errorf("sha256 %q is not 64 hex digits", sum)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the executable to check its sha256: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("reading the executable to check its sha256: %w", err)
	}
	if got := h.Sum(nil); subtle.ConstantTimeCompare(got, want) != 1 {
		return fmt.Errorf("%s has sha256 %x, but the handlers file says %s: if the new file is wanted, write its sum there; if not, put the right file back",
			path, got, strings.ToLower(sum))
	}
	return nil
}

// explainStart says what an error of the system at the start of path means.
func explainStart(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s is not a program for %s/%s: build it for this machine; a script needs a first line like #!/usr/bin/env python3",
			path, runtime.GOOS, runtime.GOARCH)
	case errors.Is(err, fs.ErrNotExist):
		// The file itself was there a moment ago.
		return fmt.Errorf("%s or its working directory, or the interpreter or loader it names, is not there: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("may not run %s: give the user that runs Caddy the permission, and check that the file system is not mounted noexec: %w", path, err)
	}
	return err
}
