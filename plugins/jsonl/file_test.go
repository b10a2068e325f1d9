package jsonl

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

var discard = slog.New(slog.DiscardHandler)

func newFile(t *testing.T, c config) *file {
	t.Helper()
	if c.Sync == "" {
		c.Sync = syncAlways
	}
	f, err := openFile(c, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.close() })
	return f
}

func TestTornLastLineIsEnded(t *testing.T) {
	tests := map[string]struct{ before, want string }{
		"torn":    {"{\"a\":1}\n{\"b\":", "{\"a\":1}\n{\"b\":\nnew\n"},
		"whole":   {"{\"a\":1}\n", "{\"a\":1}\nnew\n"},
		"empty":   {"", "new\n"},
		"no line": {"x", "x\nnew\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := newFile(t, config{Path: path}).append([]byte("new\n")); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != tt.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// allLines reads every line of the file and of those set aside.
func allLines(t *testing.T, path string) []string {
	t.Helper()
	names, err := rotated(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range append(names, path) {
		for _, line := range lines(t, name) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

func TestRotationLosesNoLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	// Two files of one path, as when a reload starts the new process first.
	one, two := newFile(t, config{Path: path, MaxSize: 2000}), newFile(t, config{Path: path, MaxSize: 2000})
	const writers, each = 4, 100
	var wg sync.WaitGroup
	for w := range writers {
		f := []*file{one, two}[w%2]
		wg.Go(func() {
			for i := range each {
				if err := f.append(fmt.Appendf(nil, "line %d of writer %d %s\n", i, w, strings.Repeat("x", 50))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, line := range allLines(t, path) {
		seen[line]++
	}
	if len(seen) != writers*each {
		t.Errorf("%d different lines, want %d", len(seen), writers*each)
	}
	for line, n := range seen {
		if n != 1 || !strings.HasPrefix(line, "line ") {
			t.Errorf("%d times %q", n, line)
		}
	}
	names, err := rotated(path)
	if err != nil || len(names) < 10 {
		t.Errorf("%d files set aside, %v", len(names), err)
	}
}

func TestRotationKeepsMaxFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	other := path + ".bak"
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFile(t, config{Path: path, MaxSize: 10, MaxFiles: 2})
	for i := range 6 {
		if err := f.append(fmt.Appendf(nil, "line %d..\n", i)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"line 3..", "line 4..", "line 5.."}, allLines(t, path)); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("a file that is not ours is gone: %v", err)
	}
}

func TestFollowsAFileThatWasMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	f := newFile(t, config{Path: path})
	if err := f.append([]byte("old\n")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Skipf("cannot move an open file here: %v", err)
	}
	if err := f.append([]byte("new\n")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new"}, allLines(t, path)); diff != "" {
		t.Error(diff)
	}
}

// faulty is a real file whose next write or sync fails.
type faulty struct {
	*os.File

	fail *faults
}

type faults struct {
	write, sync error
	opened      int
	syncs       int
}

func (f *faulty) Write(b []byte) (int, error) {
	if f.fail.write == nil {
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:len(b)/2])
	return n, errors.Join(err, f.fail.write)
}

func (f *faulty) Sync() error {
	f.fail.syncs++
	if f.fail.sync != nil {
		return f.fail.sync
	}
	return f.File.Sync()
}

func (f *faulty) Stat() (fs.FileInfo, error) { return f.File.Stat() }

func TestFaultsLeaveReadableLines(t *testing.T) {
	tests := map[string]struct {
		fault faults
		want  []string
	}{
		// The half-written batch is a line of its own, and all of it comes again.
		"disk full": {faults{write: syscall.ENOSPC}, []string{"first", "sec", "second"}},
		"sync":      {faults{sync: syscall.EIO}, []string{"first", "second", "second"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "events.jsonl")
			now := &faults{}
			f := newFile(t, config{Path: path})
			f.openHandle = func(path string) (handle, error) {
				now.opened++
				h, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
				return &faulty{File: h, fail: now}, err
			}
			if err := f.reopen(); err != nil {
				t.Fatal(err)
			}
			if err := f.append([]byte("first\n")); err != nil || now.syncs != 1 {
				t.Fatalf("%v, %d syncs", err, now.syncs)
			}
			now.write, now.sync = tt.fault.write, tt.fault.sync
			err := f.append([]byte("second\n"))
			if cause := errors.Join(tt.fault.write, tt.fault.sync); !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) {
				t.Fatalf("%v, want %v", err, cause)
			}
			if got := sdk.ResultOf(outcome(err)).Status; got != sdk.StatusUnavailable {
				t.Errorf("status %v", got)
			}
			now.write, now.sync = nil, nil
			if err := f.append([]byte("second\n")); err != nil {
				t.Fatal(err)
			}
			if now.opened != 2 {
				t.Errorf("opened %d times: a handle that failed must not be trusted", now.opened)
			}
			if diff := cmp.Diff(tt.want, slices.Clone(allLines(t, path))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
