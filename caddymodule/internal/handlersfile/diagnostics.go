package handlersfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// tidy sorts diagnostics by where they stand, the files in the order given, and
// takes the evaluated values out of them, which HCL's writer would print.
func tidy(diags hcl.Diagnostics, files []string) hcl.Diagnostics {
	for _, d := range diags {
		d.Expression, d.EvalContext = nil, nil
	}
	position := func(d *hcl.Diagnostic) (file, offset int) {
		if d.Subject == nil {
			return -1, 0
		}
		return slices.Index(files, d.Subject.Filename), d.Subject.Start.Byte
	}
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		aFile, aOffset := position(a)
		bFile, bOffset := position(b)
		if aFile != bFile {
			return aFile - bFile
		}
		if aOffset != bOffset {
			return aOffset - bOffset
		}
		return strings.Compare(a.Summary+a.Detail, b.Summary+b.Detail)
	})
	return diags
}

// Line is a diagnostic in one line, for logs and for Caddy's error at load:
//
//	handlers.hcl:7,15-21: Wrong type; concurrency wants a number; this is a list.
func Line(d *hcl.Diagnostic) string {
	text := d.Summary
	if d.Detail != "" {
		text += "; " + d.Detail
	}
	text = strings.Join(strings.Fields(text), " ")
	if d.Subject == nil {
		return text
	}
	return d.Subject.String() + ": " + text
}

// Error returns the errors among the diagnostics as one error, a line for each, or
// nil where there are only warnings. It may be called on a nil File.
func (f *File) Error(diags hcl.Diagnostics) error {
	var lines []string
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			lines = append(lines, Line(d))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// maxShown bounds what Write shows: each diagnostic costs a walk through its file.
const maxShown = 50

// Write writes the diagnostics for people, each with its source line; beyond 50 it
// says only how many there are. Values that may be secret are masked in these
// lines, and so are comments: what is shown is what the handlers file's own
// attributes say and what a plugin's schema declares not to be sensitive.
func (f *File) Write(w io.Writer, diags hcl.Diagnostics, color bool) error {
	// Diagnostics about one config share their plain ranges, and with them the masked file.
	type key struct {
		name  string
		plain *hcl.Range
	}
	masked := make(map[key]*hcl.File)
	for i, d := range diags {
		if i == maxShown {
			if _, err := fmt.Fprintf(w, "And %d more.\n", len(diags)-maxShown); err != nil {
				return fmt.Errorf("writing diagnostics: %w", err)
			}
			return nil
		}
		files := make(map[string]*hcl.File)
		if d.Subject != nil && f.sources[d.Subject.Filename] != nil {
			plain, _ := d.Extra.(plainRanges)
			k := key{name: d.Subject.Filename}
			if len(plain) > 0 {
				k.plain = &plain[0]
			}
			if masked[k] == nil {
				masked[k] = f.sources[k.name].masked(plain)
			}
			files[k.name] = masked[k]
		}
		shown := *d
		shown.Expression, shown.EvalContext = nil, nil
		if err := hcl.NewDiagnosticTextWriter(w, files, 100, color).WriteDiagnostic(&shown); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
	}
	return nil
}
