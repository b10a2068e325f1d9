package pluginhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
	living, err := newRuntimeDir([]string{parent})
	if err != nil {
		t.Fatal(err)
	}
	second, err := newRuntimeDir([]string{parent})
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

func TestRuntimeDirTakesTheFirstPlaceThatWillDo(t *testing.T) {
	base, err := os.MkdirTemp("", "smc-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good, other := filepath.Join(base, "good"), filepath.Join(base, "other")
	long := filepath.Join(base, strings.Repeat("d", 100))
	tests := map[string]struct {
		places []string
		want   string
		errs   []string
		unix   bool
	}{
		"the first":                         {places: []string{good, other}, want: good},
		"the second, a file comes first":    {places: []string{file, other}, want: other},
		"the second, the first is too long": {places: []string{long, good}, want: good, unix: true},
		"none, and why": {places: []string{file, filepath.Join(file, "in")}, errs: []string{
			file + ": ", filepath.Join(file, "in") + ": ", "not a directory", "let TMPDIR name a directory that Caddy may write to"}},
		"only one that is too long": {places: []string{long}, unix: true, errs: []string{
			long + ": the path has ", " too many for a unix socket", "at most 50 bytes"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.unix && maxSocketPath == 0 {
				t.Skip("no unix sockets here")
			}
			dir, err := newRuntimeDir(tt.places)
			if err == nil {
				defer func() { _ = dir.remove() }()
				if filepath.Dir(dir.path) != tt.want || len(tt.errs) > 0 {
					t.Errorf("the directory is %s", dir.path)
				}
				if maxSocketPath > 0 && len(dir.path)+len("/plugin-dir4294967295/plugin4294967295") > maxSocketPath {
					t.Errorf("%s leaves no room for a socket", dir.path)
				}
				return
			}
			if len(tt.errs) == 0 {
				t.Fatal(err)
			}
			for _, part := range tt.errs {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestPlacesForSockets(t *testing.T) {
	if maxSocketPath == 0 {
		t.Skip("no unix sockets here")
	}
	tests := map[string]struct {
		spec     Spec
		tmp, xdg string
		want     []string
	}{
		"nothing is set": {Spec{}, "", "", []string{"/tmp"}},
		"everything is set": {Spec{RuntimeDir: "/r", FallbackDir: "/buffer"}, "/t", "/run/user/1",
			[]string{"/r", "/t", "/run/user/1", "/tmp", "/buffer"}},
		"all the same": {Spec{RuntimeDir: "/tmp", FallbackDir: "/tmp/"}, "/tmp", "/tmp", []string{"/tmp"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", tt.tmp)
			t.Setenv("XDG_RUNTIME_DIR", tt.xdg)
			if diff := cmp.Diff(tt.want, tt.spec.runtimePlaces()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
