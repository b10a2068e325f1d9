package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/diagnosis"
)

// aboutFiles says what each file of a bundle is.
var aboutFiles = map[string]string{
	readmeFile:               "this",
	errorsFile:               "what is missing in this bundle, and why",
	statusTextFile:           "caddy smartcar status, as it prints it, with times in UTC",
	diagnosis.StatusFile:     "the same as JSON (GET /smartcar/status), with names and versions of the plugins",
	diagnosis.HealthFile:     "whether Caddy is ready, and live",
	diagnosis.LogFile:        "the last lines that this module logged: INFO and above, up to 1,700 lines or 272 KiB",
	diagnosis.BuildFile:      "versions: of this module, Caddy, Go, each module of Go and of Caddy in the program",
	configFile:               "the config that runs, with its structure, switches, and numbers that are no ids",
	givenFile:                "the config that --config named, in the same way",
	diagnosis.HandlersFolder: "the handlers files, with the names of attributes and of environment variables",
	diagnosis.DiskFile:       "the buffer's folder and its disk: file system, mount options, room, permissions",
	diagnosis.FilesFile:      "the buffer's files: permissions, size, time and name; nothing of what is in them",
	diagnosis.MachineFile:    "kernel, limits of the cgroup and of the process, memory, open files",
	goroutinesFile:           "where the process's goroutines are, without arguments and labels",
	metricsFile:              "the metrics of this module, and those of Caddy and Go about memory and reloads",
}

// readme says what is in a bundle.
func readme(at time.Time, files []bundle.File) string {
	var b strings.Builder
	fmt.Fprintf(&b, `A support bundle of caddy-smartcar
made at %s by caddy smartcar diagnose %s

Read it before you send it. All files are text.

`, at.Format(time.RFC3339), buildinfo.Read().String())
	list := func(name, about string) { fmt.Fprintf(&b, "%-18s %s\n", name, about) }
	list(readmeFile, aboutFiles[readmeFile])
	list(errorsFile, aboutFiles[errorsFile])
	for _, name := range bundleOrder {
		if slices.ContainsFunc(files, func(f bundle.File) bool { return rank(f.Name) == rank(name) }) {
			list(name, aboutFiles[name])
		}
	}
	b.WriteString(`
What is not in it
  Tokens, passwords, URLs of hooks, values of the environment: of the config only
  those strings are shown that are known to be none, such as addresses that are
  listened on, host names, paths, and placeholders like {env.NAME}. Others are
  (masked), and so are keys that may be data and numbers that may be ids; what the
  config has as a secret is masked in every file. Where an address is masked, its
  kind is shown: (loopback), (private) or (public).
  In the handlers files, all values of env and config, and texts in when that are
  no words of Smartcar's, are ***; comments are left out.
  Bodies and contents of the buffer and of the quarantine, places, VINs, signatures,
  ids of users and of vehicles, addresses of senders.
  What plugins print and say when they fail: (left out) stands in its place.

What is in it that you may not want to publish
  Host names and paths of your config, names of sources and handlers, ids of events
  and deliveries (they name nobody), the kernel's version, names of modules.
`)
	return b.String()
}

// keptMetrics are the metrics that a bundle has of others.
var keptMetrics = []string{
	"caddy_config_last_reload", "go_goroutines", "go_threads", "go_info", "go_gc_duration_seconds", "go_memstats_", "process_",
}

// metricsText leaves out what belongs to other modules, whose labels may hold anything.
func metricsText(raw []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(raw)) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		keep := strings.HasPrefix(name, "caddy_smartcar_")
		if keep || slices.ContainsFunc(keptMetrics, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// builderPath is the folder of a source file on the machine that built the program.
var builderPath = regexp.MustCompile(`\t[^\t\n]*/([^/\t\n]+\.(?:go|s):[0-9]+)`)

// goroutinesText leaves out labels, which any module may set, and where the program was built.
func goroutinesText(raw []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "# labels:") {
			b.WriteString(builderPath.ReplaceAllString(line, "\t$1"))
		}
	}
	return b.String()
}
