// Package report writes what a proof or a benchmark gave as a Markdown file, so that no
// figure in the documentation is typed by hand.
package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Folder is the environment variable that names the folder of reports. Where it is not
// set, none are written.
const Folder = "SMARTCAR_REPORTS"

// Report is what one run of a command gave. Its methods are not for concurrent use.
type Report struct {
	name, command string
	begun         time.Time
	parts         bytes.Buffer
	inFigures     bool
}

// New begins a report that becomes the file name.md. command is what repeats it.
func New(name, command string) *Report {
	return &Report{name: name, command: command, begun: time.Now()}
}

// Figure adds a line: what it is, how much, and in which unit, "" for none. A number with
// a fraction is given with three digits behind the point at most.
func (r *Report) Figure(what string, value any, unit string) {
	if !r.inFigures {
		r.parts.WriteString("\n| figure | value |\n| --- | ---: |\n")
		r.inFigures = true
	}
	fmt.Fprintf(&r.parts, "| %s | %s |\n", cell(what), cell(strings.TrimSpace(text(value)+" "+unit)))
}

// Table adds a table; its cells are taken as they are, but for what would end a cell.
func (r *Report) Table(head []string, rows [][]string) {
	r.inFigures = false
	r.parts.WriteByte('\n')
	r.row(head)
	r.row(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, row := range rows {
		r.row(row)
	}
}

func (r *Report) row(cells []string) {
	for _, c := range cells {
		fmt.Fprintf(&r.parts, "| %s ", cell(c))
	}
	r.parts.WriteString("|\n")
}

// Note adds a paragraph.
func (r *Report) Note(note string) {
	r.inFigures = false
	fmt.Fprintf(&r.parts, "\n%s\n", note)
}

// Write writes the file into the folder that the environment names, which is made if
// need be. Without such a folder it does nothing.
func (r *Report) Write() error {
	dir := os.Getenv(Folder)
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, r.name+".md"), r.markdown(), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func (r *Report) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Written by the command below. Do not edit. -->\n\n# %s\n\n", r.name)
	fmt.Fprintf(&b, "`%s`, %s, in %s, %s%s on %s/%s with %d processors.\n", r.command, r.begun.UTC().Format("2 January 2006"),
		time.Since(r.begun).Round(time.Second), runtime.Version(), revision(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	b.Write(r.parts.Bytes())
	return b.Bytes()
}

// revision is the commit that the program was built from, where the build noted it; a
// test's does not.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return ", commit " + s.Value[:12]
		}
	}
	return ""
}

func text(value any) string {
	switch v := value.(type) {
	case float64:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	case time.Duration:
		return v.String()
	}
	return fmt.Sprint(value)
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ")
}
