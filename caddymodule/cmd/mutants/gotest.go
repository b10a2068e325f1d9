package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// workshop builds and runs tests. Building and running are two steps, so that a fault
// that does not compile is never taken for one that was noticed.
type workshop struct {
	root string
	// dir takes the binaries.
	dir string
}

// build builds a package's tests, with an overlay unless that is "".
func (w *workshop) build(ctx context.Context, pkg, overlay, binary string) error {
	// Without what debuggers need, linking takes half the time.
	args := []string{"test", "-c", "-ldflags", "-s -w", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
	cmd.Dir = w.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the tests of %s: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("building the tests of %s: there are none", pkg)
	}
	return nil
}

// binary is where the tests of a package are built to; name is that of the fault, "" for none.
func (w *workshop) binary(pkg, name string) string {
	file := strings.ReplaceAll(pkg, "/", "_") + "." + name + ".test"
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	return filepath.Join(w.dir, file)
}

// outcome is how a run of tests ended.
type outcome struct {
	// failed is what failed first, "" if all passed.
	failed string
	ran    int
	took   time.Duration
	output []byte
}

// try runs tests in their package's folder, at most so long. An error says that it is not
// known whether they pass.
func (w *workshop) try(ctx context.Context, binary string, t mutation.Test, limit time.Duration) (outcome, error) {
	cmd := exec.CommandContext(ctx, binary, "-test.run", t.Run, "-test.v", "-test.failfast", "-test.timeout", limit.String())
	cmd.Dir = filepath.Join(w.root, filepath.FromSlash(t.Pkg))
	// What a test of a broken product finds is nothing for the documentation.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, report.Folder+"=") })
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	o := outcome{took: time.Since(begun), output: out, ran: len(ranTest.FindAll(out, -1))}
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err == nil {
		return o, nil
	}
	if _, ended := errors.AsType[*exec.ExitError](err); !ended {
		return o, fmt.Errorf("%s: %w", t, err)
	}
	if o.failed = whatFailed(out); o.failed == "" {
		return o, fmt.Errorf("%s: %w, and no test says that it failed:\n%s", t, err, tail(out))
	}
	return o, nil
}

var (
	ranTest    = regexp.MustCompile(`(?m)^=== RUN `)
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	stillRuns  = regexp.MustCompile(`(?m)^panic: test timed out[^\n]*\n\s*running tests:\n\s*(\S+)`)
	panicked   = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.{1,60})`)
)

// whatFailed finds in a failed run's output what failed.
func whatFailed(out []byte) string {
	if m := stillRuns.FindSubmatch(out); m != nil {
		return string(m[1]) + " (never ends)"
	}
	// A subtest stands below its test, and says more.
	var failed string
	for _, m := range failedTest.FindAllSubmatch(out, -1) {
		if name := string(m[1]); failed == "" || strings.HasPrefix(name, failed+"/") {
			failed = name
		}
	}
	if failed != "" {
		return failed
	}
	if m := panicked.FindSubmatch(out); m != nil {
		return "panic: " + string(m[1])
	}
	if bytes.Contains(out, []byte("goleak: ")) {
		return "goroutines that leak"
	}
	return ""
}

func tail(out []byte) []byte {
	const most = 2000
	return out[max(0, len(out)-most):]
}
