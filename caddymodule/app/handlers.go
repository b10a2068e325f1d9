package app

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/bundled"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// loadHandlers reads the handlers files; all mistakes come in one error. When a process starts, a mistake must not
// keep it from receiving: what can be had without it is had, and the rest is down.
func (a *App) loadHandlers() error {
	paths, err := a.handlerPaths()
	if err != nil {
		return a.goOnWithout(err)
	}
	if len(paths) == 0 {
		return nil
	}
	file, diags := readHandlers(paths)
	a.noteHandlersFiles(file)
	for _, d := range diags {
		if d.Severity == hcl.DiagWarning && (!diags.HasErrors() || a.start == ofProcess) {
			a.log.Warn("handlers file", slog.String("warning", handlersfile.Line(d)))
		}
	}
	if !diags.HasErrors() {
		a.definitions = file.Handlers
		return nil
	}
	if a.start == ofProcess {
		a.definitions, err = file.AtStart()
		for i := range a.definitions {
			if a.definitions[i].Mistake != nil {
				a.logMistake(a.definitions[i].Name, a.definitions[i].Mistake)
			}
		}
		return a.goOnWithout(err)
	}
	var text strings.Builder
	if err := file.Write(&text, diags, false); err != nil {
		return fmt.Errorf("loading the handlers: %w", file.Error(diags))
	}
	return fmt.Errorf("loading the handlers:\n%s", strings.TrimSpace(text.String()))
}

// goOnWithout notes a mistake that cannot be laid to one handler, so that none of the files runs, where a process
// starts. Else it returns it.
func (a *App) goOnWithout(mistake error) error {
	if mistake == nil || a.start != ofProcess {
		return mistake
	}
	a.mistake = mistake
	a.log.Error("the handlers files have a mistake: no handler runs, and events wait",
		slog.String("error", mistake.Error()), slog.String("do", fixIt))
	return nil
}

// logMistake says that a handler does not run because of a mistake in its definition.
func (a *App) logMistake(handler string, mistake error) {
	a.log.Error("the handlers files have a mistake: its handler does not run, and its events wait",
		slog.String("handler", handler), slog.String("error", mistake.Error()), slog.String("do", fixIt))
}

// fixIt is what to do about a mistake that did not keep Caddy from starting.
const fixIt = "fix the file, then reload"

func readHandlers(paths []string) (*handlersfile.File, hcl.Diagnostics) {
	return handlersfile.Load(paths, handlersfile.Options{
		Bundled:      bundled.Schema,
		BundledNames: bundled.Names(),
		Check:        bundled.Check,
		Exclusive:    bundled.Exclusive,
	})
}

// handlerPaths replaces placeholders and makes the paths absolute.
func (a *App) handlerPaths() ([]string, error) {
	repl := caddy.NewReplacer()
	paths := make([]string, 0, len(a.Handlers))
	for i, configured := range a.Handlers {
		path, err := repl.ReplaceOrErr(configured, true, true)
		if err != nil {
			return nil, fmt.Errorf("handlers path %d (%s): %w", i+1, configured, err)
		}
		if path == "" {
			return nil, fmt.Errorf("handlers path %d is empty", i+1)
		}
		path, err = filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("handlers path %d (%s): %w", i+1, configured, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
