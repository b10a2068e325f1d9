// Package module is the Caddy module `smartcar.buffers.disk`: the disk buffer with its options.
package module

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
)

func init() {
	caddy.RegisterModule(Module{})
}

// Module is the embedded buffer: it keeps events in a directory of the local disk until every
// handler has settled them, and after that until `retention` ends. One process can
// use a directory at a time. A change of `path` takes effect with a new buffer; all other
// settings apply to the open one at a reload.
type Module struct {
	// Path is the directory, made when it is not there. Placeholders are replaced. A
	// relative path counts from the working directory. Default: `smartcar` in Caddy's data directory.
	Path string `json:"path,omitempty"`

	// Retention is how long events stay that every handler has settled. At least 1m.
	// Default: `7d`. Events that a handler has yet to settle stay whatever their age.
	Retention caddy.Duration `json:"retention,omitempty"`

	// MaxSize bounds in bytes what is stored, dead letters included. Near it, settled events go before
	// their retention ends; when events that are not settled fill it, the receiver answers
	// 503 until there is room. At least 1MiB. Default: 10GiB.
	MaxSize uint64 `json:"max_size,omitempty"`

	// DedupeWindow is how long the ids of events are remembered, so that one that is sent again is
	// not stored again. At least 1h. Default: `7d`.
	DedupeWindow caddy.Duration `json:"dedupe_window,omitempty"`

	// DeadLetterRetention is how long dead letters stay, each with a copy of its event. At least 1m.
	// Default: `30d`.
	DeadLetterRetention caddy.Duration `json:"dead_letter_retention,omitempty"`

	// Headroom in bytes: the receiver answers 503 while the disk has less free space than this,
	// since a disk that is quite full cannot even be tidied. Default: 256MiB.
	Headroom uint64 `json:"headroom,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "smartcar.buffers.disk",
		New: func() caddy.Module { return new(Module) },
	}
}

// Provision works the path out. It does not touch the disk.
func (m *Module) Provision(caddy.Context) error {
	if m.Path == "" {
		m.Path = filepath.Join(caddy.AppDataDir(), "smartcar")
	} else {
		path, err := caddy.NewReplacer().ReplaceOrErr(m.Path, true, true)
		if err != nil {
			return fmt.Errorf("disk buffer: replacing placeholders in path %q: %w", m.Path, err)
		}
		m.Path = path
	}
	path, err := filepath.Abs(m.Path)
	if err != nil {
		return fmt.Errorf("disk buffer: making path %q absolute: %w", m.Path, err)
	}
	m.Path = path
	return nil
}

// Validate checks the limits.
func (m *Module) Validate() error {
	if err := m.limits().Validate(); err != nil {
		return fmt.Errorf("disk buffer: %w", err)
	}
	return nil
}

func (m *Module) limits() disk.Limits {
	return disk.Limits{
		Retention:           time.Duration(m.Retention),
		MaxSize:             m.MaxSize,
		DedupeWindow:        time.Duration(m.DedupeWindow),
		DeadLetterRetention: time.Duration(m.DeadLetterRetention),
		Headroom:            m.Headroom,
	}
}

// Limits implements buffer.Opener.
func (m *Module) Limits() buffer.Limits { return buffer.Limits(m.limits().WithDefaults()) }

// Key implements buffer.Opener.
func (m *Module) Key() string { return m.Path }

// Dir is the directory on this machine that the buffer writes to.
func (m *Module) Dir() string { return m.Path }

// Open implements buffer.Opener. It fails with an *UnexpectedError where the path had another buffer the last time.
func (m *Module) Open(ctx context.Context, host buffer.Host) (buffer.Buffer, error) {
	log := cmp.Or(host.Log, slog.New(slog.DiscardHandler))
	places, was := m.remembered(log)
	b, err := disk.Open(ctx, disk.Options{Path: m.Path, Identity: was.Identity, Limits: m.limits(), Log: log,
		Observer: host.Observer})
	if other, ok := errors.AsType[*disk.IdentityError](err); ok {
		return nil, &UnexpectedError{
			Cause: other, FirstOpened: was.FirstOpened, LastOpened: was.LastOpened, Record: places.file(m.Path),
		}
	}
	if err != nil {
		return nil, err
	}
	if isTemporary(m.Path) {
		log.Info("buffer: it is not remembered which one is here, since it is below the folder for temporary files: "+
			"an empty directory would be taken for a new one", "path", m.Path)
	}
	if places != nil {
		if err := places.note(m.Path, b.Identity(), time.Now().UTC()); err != nil {
			log.Warn("buffer: it cannot be remembered which one is here, so an empty directory would be taken for a new one",
				"path", m.Path, "error", err)
		}
	}
	return b, nil
}

// remembered returns what is known of the path; nil: nothing is remembered of it. Where that cannot be read, receiving
// goes on as if nothing were known.
func (m *Module) remembered(log *slog.Logger) (*known, record) {
	places, err := knownBuffers(m.Path)
	if places == nil && err == nil {
		return nil, record{}
	}
	var was record
	if err == nil {
		was, err = places.find(m.Path)
	}
	if err != nil {
		log.Warn("buffer: it cannot be read which one was here, so any is taken", "path", m.Path, "error", err)
	}
	return places, was
}

// LastAlive implements buffer.AliveReader.
func (m *Module) LastAlive() (time.Time, error) { return disk.LastAlive(nil, m.Path) }

// Accept implements buffer.Accepter.
func (m *Module) Accept() error {
	places, err := knownBuffers(m.Path)
	if places != nil && err == nil {
		err = places.forget(m.Path)
	}
	if err != nil {
		return fmt.Errorf("forgetting which buffer was in %s: %w", m.Path, err)
	}
	return nil
}

// Reconfigure implements buffer.Opener.
func (m *Module) Reconfigure(b buffer.Buffer) error {
	open, ok := b.(*disk.Buffer)
	if !ok {
		return fmt.Errorf("reconfiguring buffer %s: it is a %T, not a disk buffer", m.Path, b)
	}
	return open.Reconfigure(m.limits())
}

// UnmarshalCaddyfile sets the module up from Caddyfile tokens. Syntax:
//
//	buffer disk {
//	    path                  <directory>
//	    retention             <duration>
//	    max_size              <size>
//	    dedupe_window         <duration>
//	    dead_letter_retention <duration>
//	    headroom              <size>
//	}
//
// The block and each line in it are optional. Durations are as everywhere in a Caddyfile (`12h`, `7d`);
// sizes take a unit, where `GiB` is 1024 based and `GB` 1000 based.
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the module's name
	if d.NextArg() {
		return d.Err("buffer disk takes no argument, only a block, as in `buffer disk {` with a line `path /var/lib/smartcar`")
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := m.unmarshalOption(d, seen); err != nil {
			return err
		}
		// Validate would find it too, but without the line.
		if err := m.limits().Validate(); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

var options = []string{"path", "retention", "max_size", "dedupe_window", "dead_letter_retention", "headroom"}

func (m *Module) unmarshalOption(d *caddyfile.Dispenser, seen map[string]bool) (err error) {
	option := d.Val()
	if err := directive.Once(d, seen, option); err != nil {
		return err
	}
	switch option {
	case "path":
		if m.Path, err = directive.Arg(d, "/var/lib/smartcar"); err == nil && m.Path == "" {
			return d.Err("path is empty: name a folder, or leave the line out for the default")
		}
	case "retention":
		m.Retention, err = directive.Duration(d, "7d")
	case "max_size":
		m.MaxSize, err = size(d, "10GiB")
	case "dedupe_window":
		m.DedupeWindow, err = directive.Duration(d, "7d")
	case "dead_letter_retention":
		m.DeadLetterRetention, err = directive.Duration(d, "30d")
	case "headroom":
		m.Headroom, err = size(d, "256MiB")
	default:
		return directive.UnknownOption(d, option, options)
	}
	return err
}

func size(d *caddyfile.Dispenser, example string) (uint64, error) {
	n, err := directive.Size(d, example)
	return uint64(n), err
}

// Interface guards.
var (
	_ caddy.Module          = (*Module)(nil)
	_ caddy.Provisioner     = (*Module)(nil)
	_ caddy.Validator       = (*Module)(nil)
	_ caddyfile.Unmarshaler = (*Module)(nil)
	_ buffer.Accepter       = (*Module)(nil)
	_ buffer.AliveReader    = (*Module)(nil)
)
