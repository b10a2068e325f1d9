package sdk

import (
	"errors"
	"strings"
)

// configError is a remark about one place of the config.
type configError struct {
	warning         bool
	path            []string
	summary, detail string
}

// ConfigError is an error about one place of the config, for Validate and for
// the function that opens a handler: the host shows it with file, line and
// snippet. path leads from the config block inwards, joined by dots, list
// elements by their index from 0: "url", "tls.cert", "rule.2.match"; "" is the
// block itself. Inside the Validate of a nested block the path starts at that
// block. summary says what is wrong in a few words, detail why and what to do.
//
// Several are returned with errors.Join.
func ConfigError(path, summary, detail string) error {
	return &configError{path: splitPath(path), summary: summary, detail: detail}
}

// ConfigWarning is like [ConfigError], but the handler starts all the same.
func ConfigWarning(path, summary, detail string) error {
	return &configError{warning: true, path: splitPath(path), summary: summary, detail: detail}
}

func (e *configError) Error() string {
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

// diagnosticsOf turns what an author's code returned into diagnostics: each
// ConfigError within it, or one about the whole where there is none.
func diagnosticsOf(err error, summary string, prefix []string) []Diagnostic {
	if err == nil {
		return nil
	}
	var found []Diagnostic
	var loose []string
	walkErrors(err, func(leaf error) {
		var c *configError
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

func hasErrors(diags []Diagnostic) bool {
	for _, d := range diags {
		if !d.Warning {
			return true
		}
	}
	return false
}
