package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
)

// build says what this program was built of.
func (s *Source) build(context.Context) ([]bundle.File, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, errors.New("the program does not say what it was built of")
	}
	return []bundle.File{{Name: BuildFile, Text: buildText(info, s.Modules)}}, nil
}

// plainSettings are the settings of a build that hold nothing that its builder has written freely.
var plainSettings = []string{
	"-buildmode", "-compiler", "-race", "-trimpath", "-tags", "CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64", "GOARM64", "GOARM", "GOEXPERIMENT",
	"GOFIPS140", "DefaultGODEBUG", "vcs", "vcs.revision", "vcs.time", "vcs.modified",
}

func buildText(info *debug.BuildInfo, modules []string) string {
	var b strings.Builder
	own := buildinfo.From(info)
	fmt.Fprintf(&b, "%s %s\nCaddy %s\n%s %s/%s\n\n", buildinfo.Module, own.String(), own.Caddy, info.GoVersion, runtime.GOOS, runtime.GOARCH)

	fmt.Fprintln(&b, "Build settings:")
	for _, setting := range info.Settings {
		if slices.Contains(plainSettings, setting.Key) {
			fmt.Fprintf(&b, "  %s=%s\n", setting.Key, setting.Value)
		} else {
			fmt.Fprintf(&b, "  %s (left out)\n", setting.Key)
		}
	}
	fmt.Fprintln(&b, "\nModules of Go:")
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		fmt.Fprintf(&b, "  %s %s%s\n", m.Path, m.Version, replaced(m.Replace))
	}
	fmt.Fprintln(&b, "\nModules of Caddy:")
	for _, id := range modules {
		fmt.Fprintf(&b, "  %s\n", id)
	}
	return b.String()
}

// replaced says by what a module is replaced; where a folder is, it is on the builder's machine.
func replaced(by *debug.Module) string {
	switch {
	case by == nil:
		return ""
	case strings.HasPrefix(by.Path, ".") || filepath.IsAbs(by.Path):
		return " => a folder"
	default:
		return " => " + by.Path + " " + by.Version
	}
}
