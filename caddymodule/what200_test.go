package caddymodule_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the figures of the page anew")

// Every test that the page names is in the file that it links.
func TestWhat200MeansNamesItsTests(t *testing.T) {
	page, err := os.ReadFile("docs/what-200-means.md")
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\[(Test\w+)\]\(([^)]+)\)`).FindAllSubmatch(page, -1)
	if len(links) < 20 {
		t.Errorf("only %d tests are named", len(links))
	}
	for _, link := range links {
		test, file := string(link[1]), filepath.Join("docs", filepath.FromSlash(string(link[2])))
		code, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s: %v", test, err)
			continue
		}
		if !bytes.Contains(code, []byte("\nfunc "+test+"(t *testing.T)")) {
			t.Errorf("%s is not in %s", test, file)
		}
	}
	// Each row of a guarantee has one at least.
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| ") && strings.HasSuffix(line, ".go) |\n") || !strings.HasPrefix(line, "| ") {
			continue
		}
		if strings.HasPrefix(line, "| what holds") || strings.HasPrefix(line, "| ---") || strings.Contains(line, "](reports/") || strings.HasPrefix(line, "| proof") {
			continue
		}
		t.Errorf("no test holds this: %s", line)
	}
}

// The marks between which the page shows the reports' figures.
const figuresBegin, figuresEnd = "<!-- figures -->\n", "<!-- end of figures -->\n"

// The page shows the figures of the reports as they are; -update writes them anew.
func TestWhat200MeansShowsTheReports(t *testing.T) {
	const file = "docs/what-200-means.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), figuresBegin)
	got, after, ok2 := strings.Cut(rest, figuresEnd)
	if !ok || !ok2 {
		t.Fatal("the marks are missing")
	}
	want := figuresOfReports(t)
	if *update {
		if err := os.WriteFile(file, []byte(before+figuresBegin+want+figuresEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-reports +page (run with -update):\n%s", diff)
	}
}

// leading begins the name of the figure that matters most in a report. Of a report that is not here it is the first.
var leading = map[string]string{
	"disk-damage":     "with events that are lost in silence, or altered",
	"disk-faults":     "acknowledged events that were lost or altered",
	"growth":          "ingest with 5,000,000 stored events ÷ ingest with none",
	"hostile-senders": "lost",
	"kill":            "lost",
	"planted-faults":  "faults that no test noticed",
	"power-cut":       "lost",
	"upgrade":         "attempts that a restart made fail",
}

// figuresOfReports makes a row of each report: the command, when and how long it ran, and its leading figure.
func figuresOfReports(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("docs/reports/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	var b strings.Builder
	b.WriteString("| proof | run | what it gave |\n| --- | --- | --- |\n")
	for _, file := range files {
		report, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		head := regexp.MustCompile("(?m)^`(.+)`, (.+?), in (.+?),").FindSubmatch(report)
		if head == nil {
			t.Errorf("%s does not say what wrote it", file)
			continue
		}
		b.WriteString("| [" + name + "](reports/" + name + ".md) | `" + string(head[1]) + "`, " + string(head[2]) + ", " + string(head[3]) +
			" | " + leadingFigure(t, name, report) + " |\n")
	}
	return b.String()
}

// leadingFigure finds a report's in its first table of figures.
func leadingFigure(t *testing.T, name string, report []byte) string {
	t.Helper()
	_, table, _ := bytes.Cut(report, []byte("\n| figure | value |\n| --- | ---: |\n"))
	table, _, _ = bytes.Cut(table, []byte("\n\n"))
	for row := range strings.Lines(string(table)) {
		cells := strings.Split(strings.Trim(row, "| \n"), " | ")
		if len(cells) == 2 && strings.HasPrefix(cells[0], leading[name]) {
			return cells[0] + ": " + strings.TrimSpace(cells[1])
		}
	}
	t.Errorf("the report %s has no figure that begins with %q", name, leading[name])
	return ""
}
