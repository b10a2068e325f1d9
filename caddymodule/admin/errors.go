package admin

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// plainError says an error in words for people; what it is stays to be found in it.
type plainError struct {
	text string
	error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.error }

// plainWords are errors that only tell programs apart what the words around them say.
var plainWords = []error{buffer.ErrNotFound, buffer.ErrInUse, dispatch.ErrStopped, engine.ErrNotOpen}

// quotedList is how the engine writes several names.
var quotedList = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*\]`)

// plain takes off what an error has for programs only.
func plain(err error) error {
	text := err.Error()
	for _, e := range plainWords {
		if !errors.Is(err, e) {
			continue
		}
		text = strings.TrimPrefix(strings.TrimSuffix(text, ": "+e.Error()), e.Error()+": ")
	}
	text = quotedList.ReplaceAllStringFunc(text, func(list string) string {
		var names []string
		for rest := list[1 : len(list)-1]; rest != ""; rest = strings.TrimPrefix(rest, " ") {
			quoted, unquoteErr := strconv.QuotedPrefix(rest)
			if unquoteErr != nil {
				return list
			}
			name, _ := strconv.Unquote(quoted)
			names = append(names, name)
			rest = rest[len(quoted):]
		}
		return strings.Join(names, ", ")
	})
	if text == err.Error() {
		return err
	}
	return &plainError{text, err}
}
