package app

import (
	"bytes"
	"path/filepath"
	"regexp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// filePlaceholder names a file by its path.
var filePlaceholder = regexp.MustCompile(`\{file\.([^{}]+)\}`)

// NoteTokenFiles remembers the files that the placeholders of a receiver's token name, so that status says when one of
// them has another token than what runs. token is what configured became.
func (a *App) NoteTokenFiles(configured, token string) {
	for _, match := range filePlaceholder.FindAllStringSubmatch(configured, -1) {
		path, err := filepath.Abs(match[1])
		if err != nil {
			continue
		}
		if content := contentInUse(configured, match[0], token, path); content != nil {
			a.files.Note(path, drift.Token, content)
		}
	}
}

// contentInUse is what stood in a token file when it was read for the token, nil where that cannot be said. The file
// may have another token already, so it is taken from the token, where that is the file's alone.
func contentInUse(configured, placeholder, token, path string) []byte {
	if configured == placeholder {
		return []byte(token)
	}
	content, err := drift.Read(path)
	if err != nil {
		return nil
	}
	part := bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r")) // as Caddy does
	if len(part) == 0 || !bytes.Contains([]byte(token), part) {
		return nil
	}
	return content
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

// handlersFiles are those that the config names now.
func (a *App) handlersFiles() ([]string, error) {
	paths, err := a.handlerPaths()
	if err != nil {
		return nil, err
	}
	return handlersfile.Names(paths), nil
}
