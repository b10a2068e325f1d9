package ownfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string]string{
		`{"file":"/x/../y"}`: "/y",
		`{"file":"a.db"}`:    filepath.Join(here, "a.db"),
		`{"file":""}`:        "",
		`{"file":7}`:         "",
		`{"other":"/x"}`:     "",
		`no JSON`:            "",
	} {
		if got := Path([]byte(config), "file"); filepath.ToSlash(got) != filepath.ToSlash(want) {
			t.Errorf("%s: %q, want %q", config, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("as it is"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		there:                             "",
		filepath.Join(dir, "new"):         "",
		dir:                               "is not a regular file",
		filepath.Join(dir, "no", "new"):   "there is no folder",
		filepath.Join(there, "no-folder"): "not a directory",
	} {
		err := Check(path, os.O_APPEND)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a file was made")
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "as it is" {
		t.Errorf("the file became %q, %v", text, err)
	}
}
