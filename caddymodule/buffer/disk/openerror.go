package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// errOtherFormat: the directory is not for this version.
var errOtherFormat = errors.New("another version wrote it")

// PathError says that the directory of a buffer can be neither used nor made.
type PathError struct {
	Path string
	// Cause is what the system says.
	Cause error
}

// Error says what to do.
func (e *PathError) Error() string {
	return fmt.Sprintf("opening buffer %s: its directory cannot be made: %v; "+
		"give a path where the user that runs Caddy may write", e.Path, e.Cause)
}

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Cause }

// DamageError says that what is in the files of a buffer is not what was written.
type DamageError struct {
	Path string
	// Cause is what was found.
	Cause error
	// known is what the store says of the log, as far as it can be read.
	known eventlog.Known
	// current: no event was stored after the control file was written that is there.
	current bool
}

// Error is one line.
func (e *DamageError) Error() string {
	return fmt.Sprintf("opening buffer %s: its files are damaged: %s", e.Path, oneLine(e.Cause))
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Cause }

// Is reports damage, whatever the store says of it.
func (e *DamageError) Is(target error) bool { return target == format.ErrDamaged }

// oneLine is what an error says as one line.
func oneLine(err error) string {
	return strings.Join(strings.Split(strings.TrimSpace(err.Error()), "\n"), "; ")
}

// lockedError says what to do when somebody else has the directory.
func lockedError(path string, err error) error {
	return fmt.Errorf("opening buffer %s: %w, perhaps a second Caddy with the same data directory; "+
		"stop that one, or give this one a path of its own (%w)", path, buffer.ErrLocked, err)
}

// openingError tells damage from all else that keeps the store from being opened, or read once it is. known is
// DamageError.known.
func openingError(path string, err error, f *failstop.FS, known eventlog.Known) error {
	refused := f.Failure.OpenError()
	if refused == nil {
		refused = f.Refused()
	}
	// What the system refuses is no damage, unless a file is missing; all else is about what is in the files.
	var system syscall.Errno
	switch {
	case errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist), errors.Is(err, buffer.ErrFull),
		errors.Is(err, errOtherFormat), refused != nil && errors.Is(err, refused):
		return fmt.Errorf("opening buffer %s: %w", path, err)
	case refused != nil:
		return fmt.Errorf("opening buffer %s: %w (%s)", path, refused, oneLine(err))
	}
	_, current := f.Given()
	return &DamageError{Path: path, Cause: err, known: known, current: current}
}
