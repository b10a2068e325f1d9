package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	git := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
	}
	main := func(version string) debug.Module { return debug.Module{Path: Module, Version: version} }
	xcaddy := debug.Module{Path: "caddy", Version: "(devel)"}
	for _, tt := range []struct {
		name  string
		build debug.BuildInfo
		want  Info
		text  string
	}{
		{"a checkout", debug.BuildInfo{Main: main("(devel)"), Settings: git("false")},
			Info{Version: Devel, Revision: revision}, "(devel) from commit 0123456789ab"},
		{"a changed checkout", debug.BuildInfo{Main: main("v0.0.0-20260301120000-0123456789ab+dirty"), Settings: git("true")},
			Info{Version: "v0.0.0-20260301120000-0123456789ab+dirty", Revision: revision, Modified: true},
			"v0.0.0-20260301120000-0123456789ab+dirty from commit 0123456789ab, with changes"},
		{"a checkout without git", debug.BuildInfo{Main: main("")}, Info{Version: Devel}, "(devel)"},
		{"xcaddy with a version", debug.BuildInfo{Main: xcaddy, GoVersion: "go1.26.0", Deps: []*debug.Module{
			{Path: caddyModule, Version: "v2.11.9"}, {Path: Module, Version: "v1.2.3"}}},
			Info{Version: "v1.2.3", Caddy: "v2.11.9", Go: "go1.26.0"}, "v1.2.3"},
		{"xcaddy with a folder", debug.BuildInfo{Main: xcaddy, Deps: []*debug.Module{
			{Path: Module, Version: "v0.0.0", Replace: &debug.Module{Path: "./"}}}}, Info{Version: Devel}, "(devel)"},
		{"xcaddy with a fork", debug.BuildInfo{Main: xcaddy, Deps: []*debug.Module{
			{Path: Module, Version: "v1.2.3", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.2.4"}}}},
			Info{Version: "v1.2.4"}, "v1.2.4"},
		{"xcaddy's own commit is not ours", debug.BuildInfo{Main: xcaddy, Settings: git("true"), Deps: []*debug.Module{
			{Path: Module, Version: "v1.2.3"}}}, Info{Version: "v1.2.3"}, "v1.2.3"},
		{"a program without it", debug.BuildInfo{Main: xcaddy}, Info{Version: Devel}, "(devel)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := From(&tt.build)
			if got != tt.want || got.String() != tt.text {
				t.Errorf("got %+v, %s; want %+v, %s", got, got, tt.want, tt.text)
			}
		})
	}
}

// A test binary knows its main module, too.
func TestRead(t *testing.T) {
	if got := Read(); got.Version == "" || got.Caddy == "" && got.Go == "" {
		t.Errorf("got %+v", got)
	}
}
