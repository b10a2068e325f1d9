package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/probe"
)

// Defaults of Limits.
const (
	DefaultRetention           = 7 * 24 * time.Hour
	DefaultMaxSize             = 10 << 30
	DefaultDedupeWindow        = 7 * 24 * time.Hour
	DefaultDeadLetterRetention = 30 * 24 * time.Hour
	DefaultHeadroom            = 256 << 20
)

// Limits may be changed while the buffer is open, see Buffer.Reconfigure. A zero field means its default.
type Limits struct {
	// Retention is how long events that every consumer has settled stay for replay.
	// Default 7 days.
	Retention time.Duration
	// MaxSize in bytes bounds what is stored. Above nine tenths of it settled events go
	// early; when unsettled ones fill it, Append fails with ErrFull. The files may
	// take a little more, as trimmed events leave them a segment at a time. Default 10 GiB.
	MaxSize uint64
	// DedupeWindow is how long an id is remembered. Default 7 days.
	DedupeWindow time.Duration
	// DeadLetterRetention is how long dead letters stay. Default 30 days.
	DeadLetterRetention time.Duration
	// Headroom in bytes: Append fails with ErrFull when the disk has less free space
	// than this. Default 256 MiB.
	Headroom uint64
}

// Options configure Open.
type Options struct {
	// Path of the buffer's directory, made when it is not there.
	Path string
	// Identity is the one that the buffer in Path must have, as its Identity said when it was open before. Default: any;
	// a new buffer gets one. See IdentityError.
	Identity string
	Limits
	// Log takes what an operator should know; never contents of events. Default: nothing.
	Log *slog.Logger
	// Observer is told of each sync. Default: nobody is.
	Observer buffer.Observer
	// FS holds the directory. Default: the operating system's.
	FS vfs.FS
	// Clock is the wall clock. Default time.Now.
	Clock func() time.Time
	// Elapsed is the time that has passed since some moment, and never jumps. Default: by the process's monotonic
	// clock, or by Clock if that is given.
	Elapsed func() time.Duration

	// noSync omits the sync. It proves that the crash tests see what a missing sync loses.
	noSync bool
	// memTable is the size in bytes of Pebble's memtables. Tests make it small, so that
	// files come and go all the time.
	memTable uint64
	// segment is the size in bytes after which a new file of events begins: 1/16 of MaxSize, 64 MiB at most.
	segment int64
	// controlLost: the control file is not there, or damaged, and the other files will be set aside.
	controlLost bool
	// controlCurrent: no event was stored after the control file was written.
	controlCurrent bool
	// passLost: changes in the log that are damaged, and that the store lacks, do not keep it from being opened.
	passLost bool
	// probe looks at what Path lies on. Default: only with the operating system's FS, whose disk it can be.
	probe *probe.Probe
}

// WithMemTable returns o with memtables of so many bytes. It is for tests: with small ones,
// tables and segments are written, merged and removed within a few events.
func (o Options) WithMemTable(bytes uint64) Options {
	o.memTable = bytes
	return o
}

// WithDefaults returns the limits with their defaults for zero fields.
func (l Limits) WithDefaults() Limits {
	if l.Retention == 0 {
		l.Retention = DefaultRetention
	}
	if l.MaxSize == 0 {
		l.MaxSize = DefaultMaxSize
	}
	if l.DedupeWindow == 0 {
		l.DedupeWindow = DefaultDedupeWindow
	}
	if l.DeadLetterRetention == 0 {
		l.DeadLetterRetention = DefaultDeadLetterRetention
	}
	if l.Headroom == 0 {
		l.Headroom = DefaultHeadroom
	}
	return l
}

// Validate says what is wrong with the limits. Zero fields are fine.
func (l Limits) Validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"retention", l.Retention, time.Minute},
		{"dedupe_window", l.DedupeWindow, time.Hour},
		{"dead_letter_retention", l.DeadLetterRetention, time.Minute},
	} {
		if d.value != 0 && d.value < d.least {
			errs = append(errs, fmt.Errorf("%s is %s; it must be at least %s", d.name, d.value, d.least))
		}
	}
	if l.MaxSize != 0 && l.MaxSize < minMaxSize {
		errs = append(errs, fmt.Errorf("max_size is %d bytes; it must be at least %d (1MiB)", l.MaxSize, minMaxSize))
	}
	return errors.Join(errs...)
}

const minMaxSize = 1 << 20

// memTableSize is that of Pebble's memtables.
const memTableSize = 16 << 20

// minSegment and maxSegment bound the size of a segment.
const (
	minSegment = 64 << 10
	maxSegment = 64 << 20
)

func (o Options) withDefaults() Options {
	limits := o.Limits
	o.Limits = limits.WithDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.Default
		if o.probe == nil {
			o.probe = probe.New()
		}
	}
	o.segment = int64(min(maxSegment, max(minSegment, o.MaxSize/16)))
	if o.memTable == 0 {
		o.memTable = memTableSize
	} else {
		o.segment = min(o.segment, int64(2*o.memTable))
	}
	return o
}

// wall is the time by the wall clock.
func (o Options) wall() time.Time {
	if o.Clock != nil {
		return o.Clock()
	}
	return time.Now()
}

// graceLimits are what must be kept until a time, whatever the limits in force say.
type graceLimits struct {
	limits Limits
	until  int64
}

// keepingMore returns of each limit the one that keeps more.
func (l Limits) keepingMore(than Limits) Limits {
	return Limits{
		Retention:           max(l.Retention, than.Retention),
		MaxSize:             max(l.MaxSize, than.MaxSize),
		DedupeWindow:        max(l.DedupeWindow, than.DedupeWindow),
		DeadLetterRetention: max(l.DeadLetterRetention, than.DeadLetterRetention),
		Headroom:            min(l.Headroom, than.Headroom),
	}
}
