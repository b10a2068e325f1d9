// Package buildinfo says which version of this module is in a program.
package buildinfo

import "runtime/debug"

// Module is the path of this module.
const Module = "github.com/caddy-smartcar/caddy-smartcar"

// Devel is the version of a build from files without one, such as a checkout.
const Devel = "(devel)"

// Info is what is known of a build.
type Info struct {
	// Version is that of this module as Go has it, such as v1.2.3; Devel where it has none.
	Version string
	// Revision is the commit that it was built from, in hex, "" where it is not known. Go knows it only of the main
	// module: of a build by xcaddy, the version says it.
	Revision string
	// Modified: files were not as in Revision.
	Modified bool
	// Caddy is the version of Caddy, Go that of Go.
	Caddy, Go string
}

// caddyModule is the path of Caddy.
const caddyModule = "github.com/caddyserver/caddy/v2"

// Read returns what this program knows of itself.
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return Info{Version: Devel}
	}
	return From(build)
}

// From reads a build's own description.
func From(build *debug.BuildInfo) Info {
	info := Info{Version: Devel, Go: build.GoVersion}
	if build.Main.Path == Module {
		info.Version = version(&build.Main)
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				info.Revision = s.Value
			case "vcs.modified":
				info.Modified = s.Value == "true"
			}
		}
	}
	for _, dep := range build.Deps {
		switch dep.Path {
		case Module:
			info.Version = version(dep)
		case caddyModule:
			info.Caddy = version(dep)
		}
	}
	return info
}

// version is Devel for a module that a folder replaces: the version that is written is not the one that is built.
func version(m *debug.Module) string {
	if m.Replace != nil {
		m = m.Replace
	}
	if m.Version == "" {
		return Devel
	}
	return m.Version
}

// shortRevision is as many digits of a commit as people use.
const shortRevision = 12

// String is the version and, where it is known, the commit.
func (i Info) String() string {
	s := i.Version
	if i.Revision == "" {
		return s
	}
	s += " from commit " + i.Revision[:min(shortRevision, len(i.Revision))]
	if i.Modified {
		s += ", with changes"
	}
	return s
}
