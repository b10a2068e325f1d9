package app

import (
	"path/filepath"
	"regexp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// filePlaceholder names a file by its path.
var filePlaceholder = regexp.MustCompile(`\{file\.([^{}]+)\}`)

// NoteTokenFiles remembers the files that the placeholders of a receiver's token name, so that status says when one of
// them has another token than what runs. The receiver has just read them.
func (a *App) NoteTokenFiles(token string) {
	for _, match := range filePlaceholder.FindAllStringSubmatch(token, -1) {
		path, err := filepath.Abs(match[1])
		if err != nil {
			continue
		}
		if content, err := drift.Read(path); err == nil {
			a.files.Note(path, drift.Token, content)
		}
	}
}

// noteHandlersFiles remembers what stood in the handlers files.
func (a *App) noteHandlersFiles(file *handlersfile.File) {
	for path, content := range file.Contents() {
		a.files.Note(path, drift.Handlers, content)
	}
}

// changedFiles are those that differ from what this config was made from. Where they cannot be read within a moment
// they are those that differed before.
func (a *App) changedFiles() []drift.Change {
	return a.look.Changes(func() []drift.Change {
		var now []string
		if paths, err := a.handlerPaths(); err == nil {
			now = handlersfile.Names(paths)
		}
		return a.files.Changes(now)
	})
}
