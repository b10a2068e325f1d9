package handlersfile

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// tidy sorts diagnostics by where they stand, the files in the order given, and
// takes the evaluated values out of them, which HCL's writer would print.
func tidy(diags hcl.Diagnostics, files []string) hcl.Diagnostics {
	for _, d := range diags {
		d.Expression, d.EvalContext = nil, nil
		d.Detail = text.Clip(d.Detail, maxDetail)
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
	line := d.Summary
	if d.Detail != "" {
		line += "; " + d.Detail
	}
	line = strings.Join(strings.Fields(line), " ")
	if d.Subject == nil {
		return line
	}
	return d.Subject.String() + ": " + line
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

// Bounds of what is shown: of one text of a diagnostic in bytes, and of one line around its column.
const (
	maxDetail = 2 << 10
	maxLine   = 240
)

// sourceLine is a line that HCL's writer quotes.
var sourceLine = regexp.MustCompile(`^ *(\d+): `)

// cutLines cuts quoted lines that nobody could read to what stands around the diagnostic's column.
func cutLines(written string, at *hcl.Range) string {
	lines := strings.Split(written, "\n")
	for i, line := range lines {
		number := sourceLine.FindStringSubmatch(line)
		if number == nil || len(line) <= 2*maxLine {
			continue
		}
		column := 1
		if at != nil && number[1] == strconv.Itoa(at.Start.Line) {
			column = at.Start.Column
		}
		runes := []rune(line[len(number[0]):])
		from := min(max(0, column-1-maxLine/2), len(runes))
		to := min(len(runes), from+maxLine)
		shown := string(runes[from:to])
		if from > 0 {
			shown = "… " + shown
		}
		if to < len(runes) {
			shown += " …"
		}
		lines[i] = number[0] + shown
	}
	return strings.Join(lines, "\n")
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
		var written strings.Builder
		if err := hcl.NewDiagnosticTextWriter(&written, files, 100, color).WriteDiagnostic(&shown); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
		if _, err := io.WriteString(w, cutLines(written.String(), d.Subject)); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
	}
	return nil
}
