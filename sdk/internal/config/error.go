package config

import (
	"errors"
	"strings"
)

// Diagnostic is one remark about a config. Its fields are those of the SDK's own Diagnostic.
type Diagnostic struct {
	Warning         bool
	Summary, Detail string
	Path            []string
}

// Error is a remark about one place of the config, as an author's code returns it.
type Error struct {
	warning         bool
	path            []string
	summary, detail string
}

// NewError makes an error about the place that path names: names joined by dots, "" for the whole.
func NewError(path, summary, detail string) *Error {
	return &Error{path: splitPath(path), summary: summary, detail: detail}
}

// NewWarning is [NewError] for what does not keep the handler from starting.
func NewWarning(path, summary, detail string) *Error {
	return &Error{warning: true, path: splitPath(path), summary: summary, detail: detail}
}

func (e *Error) Error() string {
	text := e.summary
	if e.detail != "" {
		text += ": " + e.detail
	}
	if len(e.path) == 0 {
		return text
	}
	return strings.Join(e.path, ".") + ": " + text
}

func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

// Diagnostics turns what an author's code returned into diagnostics: one for each [Error] in it, and one with this
// summary for all other errors.
func Diagnostics(err error, summary string) []Diagnostic { return diagnosticsWithin(err, summary, nil) }

// diagnosticsWithin is [Diagnostics] for a block: prefix is its path.
func diagnosticsWithin(err error, summary string, prefix []string) []Diagnostic {
	if err == nil {
		return nil
	}
	var found []Diagnostic
	var loose []string
	walkErrors(err, func(leaf error) {
		var c *Error
		if !errors.As(leaf, &c) {
			loose = append(loose, leaf.Error())
			return
		}
		found = append(found, Diagnostic{
			Warning: c.warning,
			Summary: c.summary,
			Detail:  c.detail,
			Path:    join(prefix, c.path...),
		})
	})
	if len(loose) > 0 {
		found = append(found, Diagnostic{Summary: summary, Detail: strings.Join(loose, "\n"), Path: join(prefix)})
	}
	return found
}

// walkErrors calls visit for each branch of joined errors.
func walkErrors(err error, visit func(error)) {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		many, ok := inner.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		for _, e := range many.Unwrap() {
			if e != nil {
				walkErrors(e, visit)
			}
		}
		return
	}
	visit(err)
}

// join makes a path of its own, sharing no memory with prefix.
func join(prefix []string, more ...string) []string {
	if len(prefix)+len(more) == 0 {
		return nil
	}
	path := make([]string, 0, len(prefix)+len(more))
	return append(append(path, prefix...), more...)
}
