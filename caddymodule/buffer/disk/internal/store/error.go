package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// Error is an error of Pebble's. Its text says of what kind it is and which files it is about, in words of this
// package. Unwrap gives Pebble's own error, of which nobody may take the text.
type Error struct {
	text  string
	cause error
}

func (e *Error) Error() string { return e.text }

// Unwrap returns Pebble's error.
func (e *Error) Unwrap() error { return e.cause }

func clean(err error) error {
	if err == nil || err == pebble.ErrNotFound { //nolint:errorlint // anything around it would have a text
		return err
	}
	return &Error{text: kindOf(err) + inFiles(err.Error()), cause: err}
}

// Panicked is an error of what Pebble has panicked with.
func Panicked(r any) error {
	return &Error{text: "the store has panicked" + inFiles(fmt.Sprint(r)), cause: errPanic}
}

var errPanic = errors.New("panic")

// kindOf says of what kind an error is.
func kindOf(err error) string {
	errno, system := errors.AsType[syscall.Errno](err)
	switch {
	case system && !errors.Is(err, fs.ErrNotExist):
		return "the store: " + errno.Error()
	case errors.Is(err, fs.ErrNotExist):
		return "the store: a file is missing"
	case errors.Is(err, pebble.ErrClosed):
		return "the store is closed"
	case pebble.IsCorruptionError(err):
		return "the store is damaged"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the store: a file ends too early"
	}
	return "the store cannot go on"
}

// fileName finds the names that Pebble gives its files. They hold numbers and fixed words only.
var fileName = regexp.MustCompile(`\b(?:\d{6,20}\.(?:sst|blob|log|events|dbtmp)|(?:MANIFEST|OPTIONS)-\d{6,20}` +
	`|marker\.(?:manifest|format-version)\.\d{6,20}\.(?:MANIFEST-)?\d{3,20})\b`)

// inFiles returns the names of files in a text, at most three.
func inFiles(said string) string {
	names := fileName.FindAllString(said, -1)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return ""
	}
	return ", in " + strings.Join(names[:min(len(names), 3)], ", ")
}

// Message renders a message of Pebble's: the format is a constant of Pebble's code. Of the arguments it has numbers,
// and errors as Error has them.
func Message(format string, args ...any) string {
	shown := make([]any, len(args))
	for i, arg := range args {
		err, isError := arg.(error)
		switch kind := reflect.ValueOf(arg).Kind(); {
		case isError:
			shown[i] = clean(err)
		case kind >= reflect.Int && kind <= reflect.Float64:
			shown[i] = arg
		default:
			shown[i] = "…" + inFiles(fmt.Sprint(arg))
		}
	}
	line, _, _ := strings.Cut(fmt.Sprintf(format, shown...), "\n")
	return line
}

// Cause is the text of an error that Pebble gives to a listener.
func Cause(err error) string { return clean(err).Error() }
