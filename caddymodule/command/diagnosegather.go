package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/masking"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/diagnosis"
)

// The names of the files that the command itself makes.
const (
	readmeFile     = "README.txt"
	errorsFile     = "errors.txt"
	statusTextFile = "status.txt"
	configFile     = "config.json"
	givenFile      = "config-file.json"
	goroutinesFile = "goroutines.txt"
	metricsFile    = "metrics.txt"
)

// bundleOrder is the order of the files, the most telling first: where there is too much, the last are cut.
var bundleOrder = []string{
	statusTextFile, diagnosis.StatusFile, diagnosis.HealthFile, diagnosis.LogFile, diagnosis.BuildFile, configFile, givenFile,
	diagnosis.HandlersFolder, diagnosis.DiskFile, diagnosis.FilesFile, diagnosis.MachineFile, goroutinesFile, metricsFile,
}

// bundleFolder is the one folder of a bundle.
func bundleFolder(at time.Time) string {
	version := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_", r) {
			return r
		}
		return '-'
	}, buildinfo.Read().Version), "-")
	return "smartcar-diagnose-" + at.Format("20060102T150405Z") + "-" + version
}

// gatherer knows the configs, for the secrets in them.
type gatherer struct {
	client *api.Client
	given  []byte // the config of --config, as JSON
	active []byte // that of the running Caddy
}

// gather makes all files. What went wrong in words that may quote a config is said only to says.
func gather(ctx context.Context, at time.Time, f diagnoseFlags, says io.Writer) ([]bundle.File, []bundle.Gap) {
	g := new(gatherer)
	var missing []bundle.Gap
	gap := func(part, why string) { missing = append(missing, bundle.Gap{Part: part, Why: why}) }
	if f.config != "" {
		given, err := f.load()
		if err != nil {
			fmt.Fprintf(says, "Error: reading --config: %v\n", err)
			gap(givenFile, "the config of --config cannot be read; caddy smartcar validate says why")
		}
		g.given = given
	}
	client, err := f.client()
	if err != nil {
		fmt.Fprintf(says, "Error: %v\n", err)
		gap("the running Caddy", "the address of its admin endpoint could not be found")
	}
	g.client = client

	files, more := g.running(ctx, f.timeout)
	missing = append(missing, more...)
	if !slices.ContainsFunc(files, func(file bundle.File) bool { return file.Name == diagnosis.BuildFile }) {
		gap("the process", "build.txt and machine.json are of this command, not of the running Caddy; disk, files and"+
			" handlers by --config, if that is given")
		own, more := bundle.Collect(ctx, min(f.timeout, bundle.PartTime), g.local().Parts())
		files, missing = append(files, own...), append(missing, more...)
	}
	if g.given != nil {
		files, missing = g.addConfig(files, missing, givenFile, g.given)
	}
	if g.active != nil {
		files, missing = g.addConfig(files, missing, configFile, g.active)
	}
	return g.finish(at, files, missing)
}

// running is what the running Caddy answers.
func (g *gatherer) running(ctx context.Context, limit time.Duration) ([]bundle.File, []bundle.Gap) {
	if g.client == nil {
		return nil, nil
	}
	fetched := func(name, uri string, show func([]byte) string) bundle.Part {
		return bundle.Part{Name: name, Make: func(ctx context.Context) ([]bundle.File, error) {
			raw, err := g.client.Fetch(ctx, uri)
			if err != nil {
				return nil, err
			}
			return []bundle.File{{Name: name, Text: show(raw)}}, nil
		}}
	}
	served := make(chan []bundle.Gap, 1)
	files, missing := bundle.Collect(ctx, limit, []bundle.Part{
		{Name: "the running Caddy", Make: func(ctx context.Context) ([]bundle.File, error) {
			var d api.Diagnosis
			raw, err := g.client.Fetch(ctx, api.Prefix+"diagnose")
			if err == nil {
				err = json.Unmarshal(raw, &d)
			}
			if err != nil {
				return nil, err
			}
			served <- d.Missing
			return d.Files, nil
		}},
		fetched(configFile, "/config/", func(raw []byte) string { return string(raw) }),
		fetched(goroutinesFile, "/debug/pprof/goroutine?debug=1", goroutinesText),
		fetched(metricsFile, "/metrics", metricsText),
	})
	select {
	case more := <-served:
		missing = append(missing, more...)
	default:
	}
	// The config is masked with all others, and its secrets are looked for everywhere.
	files = slices.DeleteFunc(files, func(f bundle.File) bool {
		if f.Name == configFile {
			g.active = []byte(f.Text)
		}
		return f.Name == configFile
	})
	return append(files, statusText(files)...), missing
}

// statusText is what `caddy smartcar status` prints of the status of the bundle.
func statusText(files []bundle.File) []bundle.File {
	for _, f := range files {
		if f.Name != diagnosis.StatusFile {
			continue
		}
		var v api.Status
		var printed bytes.Buffer
		if json.Unmarshal([]byte(f.Text), &v) != nil || (printer{out: &printed, zone: time.UTC}).status(&v) != nil {
			return nil
		}
		return []bundle.File{{Name: statusTextFile, Text: printed.String()}}
	}
	return nil
}

// local is what can be had of a Caddy that does not answer, by its config.
func (g *gatherer) local() *diagnosis.Source {
	from := &diagnosis.Source{Modules: caddy.Modules()}
	var config struct {
		Apps struct {
			Smartcar *struct {
				Buffer   struct{ Type, Path string }
				Handlers []string
			}
		}
	}
	if g.given == nil || json.Unmarshal(g.given, &config) != nil || config.Apps.Smartcar == nil {
		return from
	}
	app := config.Apps.Smartcar
	repl := caddy.NewReplacer()
	if app.Buffer.Type == "" || app.Buffer.Type == "disk" {
		from.Dir = filepath.Join(caddy.AppDataDir(), "smartcar")
		if app.Buffer.Path != "" {
			from.Dir = repl.ReplaceKnown(app.Buffer.Path, "")
		}
	}
	from.HandlersFiles = func() ([]string, error) {
		var paths []string
		for _, path := range app.Handlers {
			found, err := handlersIn(repl.ReplaceKnown(path, ""))
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
		}
		return paths, nil
	}
	return from
}

// handlersIn are the handlers files that a path names: itself, or those of the folder.
func handlersIn(path string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(path, "*.hcl"))
	if err != nil {
		return nil, fmt.Errorf("looking for handlers files: %w", err)
	}
	if len(found) > 0 {
		return found, nil
	}
	return []string{path}, nil
}

// addConfig adds a config, masked.
func (g *gatherer) addConfig(
	files []bundle.File, missing []bundle.Gap, name string, raw []byte,
) ([]bundle.File, []bundle.Gap) {
	shown, err := masking.Config(raw)
	if err != nil {
		return files, append(missing, bundle.Gap{Part: name, Why: err.Error()})
	}
	return append(files, bundle.File{Name: name, Text: string(shown)}), missing
}

// finish masks what may have slipped in, orders and bounds the files, and adds those that say what they are.
func (g *gatherer) finish(at time.Time, files []bundle.File, missing []bundle.Gap) ([]bundle.File, []bundle.Gap) {
	mask := masking.Replacer(append(masking.Secrets(g.active), masking.Secrets(g.given)...))
	for i := range files {
		files[i].Text = mask.Replace(files[i].Text)
	}
	for i := range missing {
		missing[i].Why = mask.Replace(missing[i].Why)
	}
	slices.SortStableFunc(files, func(a, b bundle.File) int { return rank(a.Name) - rank(b.Name) })
	kept, cut := bundle.Fit(files)
	missing = append(missing, cut...)
	return append([]bundle.File{
		{Name: readmeFile, Text: readme(at, kept)},
		{Name: errorsFile, Text: errorsText(missing)},
	}, kept...), missing
}

func rank(name string) int {
	if strings.HasPrefix(name, diagnosis.HandlersFolder) {
		name = diagnosis.HandlersFolder
	}
	if i := slices.Index(bundleOrder, name); i >= 0 {
		return i
	}
	return len(bundleOrder)
}

// errorsText has a line for each part that is missing.
func errorsText(missing []bundle.Gap) string {
	if len(missing) == 0 {
		return "Nothing is missing.\n"
	}
	var b strings.Builder
	for _, gap := range missing {
		fmt.Fprintf(&b, "%s: %s\n", gap.Part, strings.ReplaceAll(gap.Why, "\n", " "))
	}
	return b.String()
}
