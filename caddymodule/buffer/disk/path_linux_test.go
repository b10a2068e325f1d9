package disk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// A path that cannot be made is no damage, whatever the system calls it.
func TestWrongPath(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "gone", "gone"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		typed      bool
	}{
		{"a system's own folder", "/proc/nope", true},
		{"below it", "/proc/nope/buffer", true},
		{"behind a link to nothing", filepath.Join(dangling, "buffer"), false},
		{"a link to nothing", dangling, false},
		{"a file", file, false},
		{"below a file", filepath.Join(file, "buffer"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := disk.Open(context.Background(), disk.Options{Path: tt.path})
			if err == nil {
				_ = b.Close()
				t.Fatal("it was opened")
			}
			if strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error %v", err)
			}
			if _, typed := errors.AsType[*disk.PathError](err); typed != tt.typed || typed && !strings.Contains(err.Error(), "give a path") {
				t.Errorf("error %v, want a PathError: %t", err, tt.typed)
			}
		})
	}
}
