// Package handlersfile reads handlers.hcl: which handlers there are, what runs
// them, which events they want and how those are delivered.
//
// Load finds every mistake that can be found without starting a plugin, and goes
// on after each, so that one load reports them all. Every diagnostic says where
// and what to do; none holds the value of an environment variable, and in the
// source lines that File.Write shows, values that may be secret are masked.
package handlersfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Options say what the files are checked against.
type Options struct {
	// Bundled returns the config schema of a plugin that ships with this program;
	// false where there is none of that name. nil: there are none.
	Bundled func(name string) (sdk.Schema, bool)
	// BundledNames are the names that Bundled knows, for messages.
	BundledNames []string
	// Check returns what such a plugin itself says about its config, without a process. nil:
	// its values are not checked.
	Check func(name string, configJSON json.RawMessage) []sdk.Diagnostic
	// Exclusive returns what no two handlers may share: the attribute that names it, and a
	// key that is equal for two that are the same. false: there is nothing. nil: never.
	Exclusive func(name string, configJSON json.RawMessage) (attribute, key string, ok bool)
}

// File is what Load read, from all files together.
type File struct {
	// Handlers whose blocks have no mistake, in the order of the files. Where Load
	// found mistakes, the blocks that have them are missing here.
	Handlers []Definition

	sources map[string]*source
	// blocks are all handlers, also those with a mistake.
	blocks []Definition
	// general are the mistakes that cannot be laid to one handler.
	general hcl.Diagnostics
}

// Load reads handlers files and folders of them (*.hcl, sorted by name; hidden
// files and folders inside are passed over). It starts no process and writes
// nothing. The File is never nil, so that it can write the diagnostics.
//
// A file that is named twice is read once. A path that does not exist is an error; a file
// without handlers, or a folder without files, is a warning.
func Load(paths []string, opts Options) (*File, hcl.Diagnostics) {
	file := &File{sources: make(map[string]*source)}
	names, diags := expand(paths)

	l := &loader{opts: opts, seen: make(map[string]hcl.Range), taken: make(map[string]owner)}
	for _, name := range names {
		src, srcDiags := readSource(name)
		diags = append(diags, srcDiags...)
		if src == nil {
			continue
		}
		file.sources[name] = src
		if src.body == nil {
			continue
		}
		l.source = src
		before := len(l.diags)
		found := l.handlers()
		if len(found) == 0 && len(l.diags) == before {
			diags = append(diags, withoutHandlers(name))
		}
		file.Handlers = append(file.Handlers, found...)
	}
	file.blocks = l.blocks
	file.general = tidy(append(l.general, diags...), names)
	diags = append(diags, l.diags...)
	return file, tidy(diags, names)
}

// Contents yields what stood in each file, by its name as it was given.
func (f *File) Contents() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(f.sources)) {
			if !yield(name, f.sources[name].file.Bytes) {
				return
			}
		}
	}
}

// Names returns the handlers files that paths and folders name now; what is not there is left out.
func Names(paths []string) []string {
	names, _ := expand(paths)
	return names
}

// expand turns paths into the names of files, each once.
func expand(paths []string) ([]string, hcl.Diagnostics) {
	var names []string
	var diags hcl.Diagnostics
	seen := make(map[string]bool)
	add := func(name string) {
		key := name
		if absolute, err := filepath.Abs(name); err == nil {
			key = absolute
		}
		if !seen[key] {
			seen[key] = true
			names = append(names, name)
		}
	}

	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			diags = append(diags, unreadable(path, err))
			continue
		}
		if !info.IsDir() {
			add(path)
			continue
		}
		found, err := inFolder(path)
		if err != nil {
			diags = append(diags, unreadable(path, err))
			continue
		}
		if len(found) == 0 {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "No handlers files",
				Detail: fmt.Sprintf("The folder %q holds no file that ends in .hcl, so it defines no handlers.", path),
			})
		}
		for _, name := range found {
			add(name)
		}
	}
	return names, diags
}

func inFolder(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the folder: %w", err)
	}
	var names []string
	for _, entry := range entries { // sorted by name
		name := entry.Name()
		if entry.IsDir() || strings.HasPrefix(name, ".") || filepath.Ext(name) != ".hcl" {
			continue
		}
		names = append(names, filepath.Join(folder, name))
	}
	return names, nil
}

// withoutHandlers is a warning: an empty file may be one that was cut off, but Caddy must start
// and receive all the same. Events wait for the handlers that were there before.
func withoutHandlers(name string) *hcl.Diagnostic {
	at := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	return &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: "No handlers", Subject: &at,
		Detail: `This file has no handler block, so nothing is delivered by it; what waits for a handler that was here goes on waiting. To mean it, leave it out of "handlers" in the Caddyfile, or remove it from the folder.`,
	}
}

func unreadable(path string, err error) *hcl.Diagnostic {
	detail := fmt.Sprintf("There is no file or folder %q.", path)
	if !errors.Is(err, fs.ErrNotExist) {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		detail = fmt.Sprintf("%q cannot be read: %v.", path, err)
	}
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unreadable handlers file", Detail: detail}
}
