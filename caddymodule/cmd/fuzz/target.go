package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// target is one fuzz function.
type target struct{ dir, name string }

// find returns the targets below a folder, by folder and file.
func find(root string, pick *regexp.Regexp) ([]target, error) {
	var targets []target
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			if t := (target{dir, f.Name.Name}); pick.MatchString(t.dir + " " + t.name) {
				targets = append(targets, t)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for targets: %w", err)
	}
	return targets, nil
}

// result is what a run of a target gave.
type result struct {
	target
	executions, interesting int
	took                    time.Duration
	err                     error
}

func (r result) String() string {
	s := fmt.Sprintf("%s %s: %d executions, %d new interesting in %s", r.dir, r.name, r.executions, r.interesting, r.took.Round(time.Second))
	if r.err != nil {
		s += ", FAILED: " + r.err.Error()
	}
	return s
}

// fuzz runs the target by `go test`. Its time is long over when the one for the build and
// the minimizing of a finding is.
func (t target) fuzz(ctx context.Context, limit time.Duration) result {
	ctx, cancel := context.WithTimeout(ctx, limit+15*time.Minute)
	defer cancel()
	begun := time.Now()
	cmd := exec.CommandContext(ctx, "go", "test", "./"+t.dir, "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", limit.String(),
		"-fuzzminimizetime", "5s", "-parallel", "1", "-vet", "off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	r := t.judge(string(output), err)
	r.took = time.Since(begun)
	return r
}

// judge reads what go test printed and how it ended.
func (t target) judge(output string, err error) result {
	r := parse(t, output)
	if err != nil && !endedLate(output) {
		r.err = fmt.Errorf("%w\n%s", err, tail(output, 40))
	}
	// A short run may end before all of the corpus has been gone through.
	if err == nil && r.executions == 0 && !strings.Contains(output, "gathering baseline coverage") {
		r.err = fmt.Errorf("nothing was executed\n%s", tail(output, 40))
	}
	return r
}

var progress = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+)`)

// parse reads the figures of the last line that has any.
func parse(t target, output string) result {
	r := result{target: t}
	if all := progress.FindAllStringSubmatch(output, -1); len(all) > 0 {
		last := all[len(all)-1]
		r.executions, _ = strconv.Atoi(last[1])
		r.interesting, _ = strconv.Atoi(last[2])
	}
	return r
}

// endedLate says that go test failed only because its worker was still busy when the time
// was over, which is no finding: it then writes no input.
func endedLate(output string) bool {
	return strings.Contains(output, "context deadline exceeded") && !strings.Contains(output, "Failing input written to") &&
		!strings.Contains(output, "panic:") && !strings.Contains(output, "_test.go:")
}

// tail is the end of a text, by lines.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
