package handlersfile

import (
	"errors"
	"strings"
	"testing"
)

// What a process that starts goes on with: each handler without a mistake runs, each other one is known, and where it
// is not known which handlers the files mean there is none.
func TestAtStart(t *testing.T) {
	const wrong = "handler \"wrong\" {\n  plugin = \"http\"\n  order = \"x\"\n  config {\n    url = \"x\"\n  }\n}\n"
	const right = "handler \"right\" {\n  plugin = \"http\"\n  config {\n    url = \"x\"\n  }\n}\n"
	for name, tt := range map[string]struct {
		files   map[string]string
		want    []string // how each handler begins, those that are down with their mistake
		general string
	}{
		"all is well": {files: map[string]string{"a.hcl": right}, want: []string{"right"}},
		"a wrong value": {
			files: map[string]string{"a.hcl": wrong + right},
			want:  []string{"wrong:a.hcl:3,11-14: Unknown order", "right"},
		},
		"a missing attribute, and a wrong start": {
			files: map[string]string{"a.hcl": "handler \"wrong\" {\n  plugin = \"http\"\n  start = \"soon\"\n}\n"},
			want:  []string{"wrong:a.hcl:"},
		},
		"one name for two": {
			files: map[string]string{"a.hcl": right, "b.hcl": right},
			want:  []string{"right:b.hcl:1,9-16: Duplicate handler"},
		},
		"a brace too few":         {files: map[string]string{"a.hcl": right, "b.hcl": "handler \"b\" {\n"}, general: "b.hcl:1"},
		"an unknown block":        {files: map[string]string{"a.hcl": right + "handlr \"b\" {\n}\n"}, general: "a.hcl:7"},
		"a name that can be none": {files: map[string]string{"a.hcl": right + "handler \"b c\" {\n  plugin = \"http\"\n}\n"}, general: "a.hcl:7"},
		"an attribute outside":    {files: map[string]string{"a.hcl": "x = 1\n" + right}, general: "a.hcl:1"},
		"UTF-16":                  {files: map[string]string{"a.hcl": "\xff\xfeh"}, general: "UTF-16"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, tt.files)
			var paths []string
			for _, path := range []string{"a.hcl", "b.hcl"} {
				if tt.files[path] != "" {
					paths = append(paths, path)
				}
			}
			file, _ := Load(paths, testOptions)
			defs, err := file.AtStart()
			if tt.general != "" {
				if err == nil || !strings.Contains(err.Error(), tt.general) || defs != nil {
					t.Fatalf("%v, %v; want %q", defs, err, tt.general)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(defs) != len(tt.want) {
				t.Fatalf("%d handlers, want %q", len(defs), tt.want)
			}
			for i, d := range defs {
				said := d.Name
				if d.Mistake != nil {
					said += ":" + d.Mistake.Error()
				}
				if !strings.HasPrefix(said, tt.want[i]) || (d.Mistake != nil) != strings.Contains(tt.want[i], ":") {
					t.Errorf("got %s, want %s", said, tt.want[i])
				}
				if d.Range.Filename == "" || d.Fingerprint == "" || d.Concurrency == 0 {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// A path that is not there is a mistake of no single handler, and one that is found later has its place.
func TestMistakesOutsideTheFiles(t *testing.T) {
	file, _ := Load([]string{"/nowhere/handlers.hcl"}, testOptions)
	if defs, err := file.AtStart(); err == nil || len(defs) > 0 {
		t.Errorf("%v, %v", defs, err)
	}
	write(t, map[string]string{"a.hcl": "handler \"a\" {\n  plugin = \"http\"\n  start = \"now\"\n  config {\n    url = \"x\"\n  }\n}\n"})
	found := mustLoad(t, "a.hcl")[0]
	down := found.WithMistake(errors.New("a loop"))
	if down.Name != "a" || down.Start != found.Start || down.Range != found.Range ||
		down.Fingerprint == found.Fingerprint || down.Plugin != "" {
		t.Errorf("%+v", down)
	}
}
