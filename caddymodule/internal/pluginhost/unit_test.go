package pluginhost

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := backoff{min: 250 * time.Millisecond, max: 30 * time.Second}
	check := func(want time.Duration) {
		t.Helper()
		if got := b.next(); got < want*3/4 || got > want*5/4 {
			t.Errorf("delay = %v, want %v and a quarter more or less", got, want)
		}
	}
	for _, want := range []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		check(want * time.Millisecond)
	}
	b.reset()
	check(250 * time.Millisecond)
}

func TestHandshake(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write []string
		line  string
		rest  string
	}{
		{"one write", []string{"1|1|unix\nprint\n"}, "1|1|unix\n", "print\n"},
		{"byte by byte", strings.Split("1|1\nab\n", ""), "1|1\n", "ab\n"},
		{"no line end", []string{"1|1"}, "1|1", ""},
		{"nothing", nil, "", ""},
		{"too long", []string{strings.Repeat("x", maxHandshake-1), "xyz\n"}, strings.Repeat("x", maxHandshake), "yz\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHandshake()
			var rest bytes.Buffer
			h.rest = &rest
			written := make(chan struct{})
			go func() {
				defer close(written)
				for _, w := range tt.write {
					_, _ = h.Write([]byte(w))
				}
				h.end()
			}()
			line, err := io.ReadAll(h)
			if err != nil || string(line) != tt.line {
				t.Errorf("line = %q, %v, want %q", line, err, tt.line)
			}
			<-written
			if rest.String() != tt.rest {
				t.Errorf("rest = %q, want %q", rest.String(), tt.rest)
			}
		})
	}
}

func TestRuntimeDirSweep(t *testing.T) {
	parent := t.TempDir()
	old := time.Now().Add(-2 * abandoned)
	folder := func(name string, lock bool, when time.Time) string {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(dir, "plugin-dir1"), 0o700); err != nil {
			t.Fatal(err)
		}
		if lock {
			if err := os.WriteFile(filepath.Join(dir, lockName), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(dir, when, when); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead := folder(dirPrefix+"1", true, time.Now())
	abandonedDir := folder(dirPrefix+"2", false, old)
	unborn := folder(dirPrefix+"3", false, time.Now())
	foreign := folder("other", true, old)
	living, err := newRuntimeDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newRuntimeDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{dead: false, abandonedDir: false, unborn: true, foreign: true, living.path: true, second.path: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(path), err == nil, want)
		}
	}
	for _, d := range []*runtimeDir{living, second} {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.path); !os.IsNotExist(err) {
			t.Errorf("%s is still there", d.path)
		}
	}
}

func TestRuntimeDirStaysShort(t *testing.T) {
	if maxSocketPath == 0 {
		t.Skip("no unix sockets here")
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	dir, err := newRuntimeDir(long)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.remove() }()
	if strings.HasPrefix(dir.path, long) || len(dir.path)+len("/plugin-dir4294967295/plugin4294967295") > maxSocketPath {
		t.Errorf("the directory is %s", dir.path)
	}
}
