// Package diagnosis makes the parts of a support bundle that a process knows of itself. Whatever it makes may leave the
// machine: nothing of a person is in it, no secret, and nothing that a plugin says in its own words.
package diagnosis

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/machine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/recentlog"
)

// The names of the files. Those of the handlers files begin with HandlersFolder.
const (
	BuildFile      = "build.txt"
	MachineFile    = "machine.json"
	HealthFile     = "health.json"
	StatusFile     = "status.json"
	LogFile        = "log.jsonl"
	DiskFile       = "disk.json"
	FilesFile      = "files.txt"
	HandlersFolder = "handlers/"
)

// closedFolder has what was refused, with bodies that nobody vouches for: of it only the size is told.
const closedFolder = "quarantine"

// Source is what parts are made of. What is nil or empty is left out.
type Source struct {
	// Modules are the ids of the modules that this Caddy has.
	Modules []string
	// Status, Ready and Live are those of the running config; the latter return why it is not, in one word.
	Status      func(context.Context) api.Status
	Ready, Live func() string
	Recent      *recentlog.Log
	// Dir is the buffer's directory.
	Dir string
	// HandlersFiles returns the paths of the handlers files.
	HandlersFiles func() ([]string, error)
}

// Parts returns the parts in the order of the bundle.
func (s *Source) Parts() []bundle.Part {
	parts := []bundle.Part{
		{Name: BuildFile, Make: s.build},
		{Name: MachineFile, Make: func(context.Context) ([]bundle.File, error) { return asJSON(MachineFile, machine.Look("")) }},
	}
	add := func(wanted bool, name string, files func(context.Context) ([]bundle.File, error)) {
		if wanted {
			parts = append(parts, bundle.Part{Name: name, Make: files})
		}
	}
	add(s.Ready != nil && s.Live != nil, HealthFile, s.health)
	add(s.Status != nil, StatusFile, s.status)
	add(s.Recent != nil, LogFile, s.log)
	add(s.HandlersFiles != nil, HandlersFolder, s.handlers)
	add(s.Dir != "", DiskFile, s.disk)
	add(s.Dir != "", FilesFile, s.files)
	return parts
}

func (s *Source) health(context.Context) ([]bundle.File, error) {
	ready, live := s.Ready(), s.Live()
	return asJSON(HealthFile, struct {
		Ready api.Ready `json:"ready"`
		Live  api.Live  `json:"live"`
	}{api.Ready{Ready: ready == "", Why: ready}, api.Live{Live: live == "", Why: live}})
}

func (s *Source) status(ctx context.Context) ([]bundle.File, error) {
	v := s.Status(ctx)
	status.LeaveOut(&v)
	return asJSON(StatusFile, v)
}

func (s *Source) log(context.Context) ([]bundle.File, error) {
	lines, gone := s.Recent.Lines()
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	files := []bundle.File{{Name: LogFile, Text: b.String()}}
	if gone > 0 {
		return files, fmt.Errorf("%d older lines were not kept: Caddy's own log has them", gone)
	}
	return files, nil
}

func (s *Source) disk(context.Context) ([]bundle.File, error) {
	folder, err := machine.LookAt("", s.Dir)
	files, jsonErr := asJSON(DiskFile, folder)
	if err == nil {
		err = jsonErr
	}
	return files, err
}

func (s *Source) files(ctx context.Context) ([]bundle.File, error) {
	list, err := machine.List(ctx, s.Dir, closedFolder)
	return []bundle.File{{Name: FilesFile, Text: "# permissions, bytes, time, name below " + s.Dir + "\n" + list}}, err
}

// fileName is what a handlers file may be called in the bundle.
var fileName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// handlers shows each file. One that cannot be read is a gap of its own.
func (s *Source) handlers(context.Context) (files []bundle.File, err error) {
	paths, err := s.HandlersFiles()
	if err != nil {
		return nil, err
	}
	var wrong []string
	for i, path := range paths {
		shown, err := handlersfile.Shown(path)
		if err != nil {
			wrong = append(wrong, path+": "+err.Error())
			continue
		}
		name := fmt.Sprintf("%s%d-%s", HandlersFolder, i+1, fileName.ReplaceAllString(filepath.Base(path), "_"))
		files = append(files, bundle.File{Name: name, Text: "# " + path + ", with values masked\n" + shown})
	}
	if len(wrong) > 0 {
		err = fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return files, err
}

func asJSON(name string, v any) ([]bundle.File, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return []bundle.File{{Name: name, Text: string(raw) + "\n"}}, nil
}
