package module

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// place is a folder outside the one for temporary files, as far as the module knows, with Caddy's data directory in it.
type place struct {
	t   *testing.T
	dir string
	log bytes.Buffer
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir()}
	t.Setenv("XDG_DATA_HOME", filepath.Join(p.dir, "data"))
	t.Setenv("TMPDIR", filepath.Join(p.dir, "tmp"))
	t.Setenv("TMP", filepath.Join(p.dir, "tmp")) // on Windows
	return p
}

func (p *place) module(name string) *Module {
	return &Module{Path: filepath.Join(p.dir, name)}
}

// open opens a buffer and returns its identity; it is closed again.
func (p *place) open(m *Module) (identity string, err error) {
	p.t.Helper()
	b, err := m.Open(p.t.Context(), buffer.Host{Log: slog.New(slog.NewTextHandler(&p.log, nil))})
	if err != nil {
		return "", err
	}
	identity = b.(*disk.Buffer).Identity()
	if err := b.Close(); err != nil {
		p.t.Fatal(err)
	}
	return identity, nil
}

// opens opens a buffer that must be the one of the identity; "" means any.
func (p *place) opens(m *Module, identity string) string {
	p.t.Helper()
	is, err := p.open(m)
	if err != nil || is == "" || identity != "" && is != identity {
		p.t.Fatalf("got %q, %v; want the buffer %q", is, err, identity)
	}
	return is
}

// refuses expects that another buffer is found than was there, and returns the error.
func (p *place) refuses(m *Module, what string) *UnexpectedError {
	p.t.Helper()
	_, err := p.open(m)
	e, ok := errors.AsType[*UnexpectedError](err)
	if !ok || !errors.Is(err, buffer.ErrOtherBuffer) || !strings.Contains(e.Error(), what) {
		p.t.Fatalf("got %v, want an UnexpectedError with %q", err, what)
	}
	return e
}

func (p *place) move(from, to string) {
	p.t.Helper()
	if err := os.Rename(filepath.Join(p.dir, from), filepath.Join(p.dir, to)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) records() []string {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "data", "caddy", "smartcar-buffers", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	return files
}

func TestKnownBufferThatIsGone(t *testing.T) {
	p := newPlace(t)
	m := p.module("buffer")
	id := p.opens(m, "")
	p.opens(m, id)

	p.move("buffer", "away")
	e := p.refuses(m, "is empty or not there")
	if e.Cause.Want != id || e.FirstOpened.IsZero() || e.LastOpened.Before(e.FirstOpened) {
		t.Errorf("%+v", e)
	}
	if _, err := os.Stat(m.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was made at the path")
	}
	// The mount point of a volume that has not come.
	if err := os.Mkdir(m.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	p.refuses(m, "is empty or not there")
	if entries, err := os.ReadDir(m.Path); err != nil || len(entries) > 0 {
		t.Errorf("made %v there, %v", entries, err)
	}
	if err := os.Remove(m.Path); err != nil {
		t.Fatal(err)
	}
	p.move("away", "buffer")
	p.opens(m, id)
}

func TestKnownBufferThatIsAnotherOne(t *testing.T) {
	p := newPlace(t)
	m, other := p.module("buffer"), p.module("other")
	id, otherID := p.opens(m, ""), p.opens(other, "")
	p.move("buffer", "away")
	p.move("other", "buffer")
	if e := p.refuses(m, "has another buffer, "+otherID); e.Cause.Want != id {
		t.Errorf("it wants %s, not %s", e.Cause.Want, id)
	}
	// Under a new path each opens as usual.
	p.move("away", "new")
	p.opens(p.module("new"), id)
	if err := m.Accept(); err != nil {
		t.Fatal(err)
	}
	p.opens(m, otherID)
	p.move("buffer", "once-more")
	p.refuses(m, "is empty")
}

func TestAcceptAnEmptyPlace(t *testing.T) {
	p := newPlace(t)
	m := p.module("buffer")
	id := p.opens(m, "")
	if err := os.RemoveAll(m.Path); err != nil {
		t.Fatal(err)
	}
	p.refuses(m, "is empty or not there")
	for range 2 { // once more does no harm
		if err := m.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	if now := p.opens(m, ""); now == id {
		t.Error("the new buffer has the identity of the old one")
	}
	// While Caddy is stopped, deleting the record is the same.
	if err := os.RemoveAll(m.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.refuses(m, "delete").Record); err != nil {
		t.Fatal(err)
	}
	p.opens(m, "")
}

func TestBufferWithoutIdentity(t *testing.T) {
	p := newPlace(t)
	m := p.module("buffer")
	p.opens(m, "")
	if err := os.Remove(filepath.Join(m.Path, "identity")); err != nil {
		t.Fatal(err)
	}
	p.refuses(m, "without an identity")
	if err := m.Accept(); err != nil {
		t.Fatal(err)
	}
	p.opens(m, p.opens(m, ""))
}

func TestRecordsAreForTheirOwner(t *testing.T) {
	p := newPlace(t)
	p.opens(p.module("buffer"), "")
	files := p.records()
	if len(files) != 1 {
		t.Fatalf("records %q", files)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// Without a place to remember it, receiving goes on.
func TestRecordsThatCannotBeKept(t *testing.T) {
	p := newPlace(t)
	if err := os.WriteFile(filepath.Join(p.dir, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := p.module("buffer")
	p.opens(m, p.opens(m, ""))
	if !strings.Contains(p.log.String(), "it cannot be remembered") {
		t.Errorf("no warning: %s", p.log.String())
	}
}

func TestDamagedRecord(t *testing.T) {
	p := newPlace(t)
	m := p.module("buffer")
	id := p.opens(m, "")
	if err := os.WriteFile(p.records()[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.opens(m, id)
	if !strings.Contains(p.log.String(), "it cannot be read which one was here") {
		t.Errorf("no warning: %s", p.log.String())
	}
	p.move("buffer", "away")
	p.refuses(m, "is empty")
}

func TestTemporaryBuffersAreNotRemembered(t *testing.T) {
	p := newPlace(t)
	m := p.module("tmp/of-a-test/buffer")
	p.opens(m, "")
	if err := os.RemoveAll(m.Path); err != nil {
		t.Fatal(err)
	}
	p.opens(m, "")
	if files := p.records(); len(files) != 0 {
		t.Errorf("records %q", files)
	}
	const line = "level=INFO msg=\"buffer: it is not remembered"
	if n := strings.Count(p.log.String(), line); n != 2 { // of two starts
		t.Errorf("%d lines say so:\n%s", n, &p.log)
	}
	p.opens(p.module("buffer"), "")
	if strings.Count(p.log.String(), line) != 2 {
		t.Errorf("it is said of one that is remembered:\n%s", &p.log)
	}
}

// What a process left behind that ended while it wrote a record goes at the next write, and what another one may be
// writing stays.
func TestUnfinishedRecordsAreRemoved(t *testing.T) {
	p := newPlace(t)
	k := &known{dir: filepath.Join(p.dir, "records")}
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, written := range map[string]time.Time{"new-1": now.Add(-time.Hour), "new-2": now} {
		file := filepath.Join(k.dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, written, written); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.note(p.dir, "id", now); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(k.dir, "new-*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "new-2" {
		t.Errorf("left %q, %v", left, err)
	}
	if r, err := k.find(p.dir); err != nil || r.Identity != "id" {
		t.Errorf("record %+v, %v", r, err)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	p := newPlace(t)
	k := &known{dir: filepath.Join(p.dir, "records")}
	there := filepath.Join(p.dir, "there")
	if err := os.Mkdir(there, 0o700); err != nil {
		t.Fatal(err)
	}
	begin := time.Unix(0, 0).UTC()
	paths := []string{there}
	for i := range maxRecords + 10 {
		paths = append(paths, filepath.Join(p.dir, fmt.Sprint("gone-", i)))
	}
	for i, path := range paths {
		if err := k.note(path, "id", begin.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := os.ReadDir(k.dir); err != nil || len(files) != maxRecords {
		t.Fatalf("%d records, %v", len(files), err)
	}
	for i, path := range paths {
		r, err := k.find(path)
		if err != nil {
			t.Fatal(err)
		}
		// The oldest of those that are gone went, and none that is there.
		if is, want := r.Path == path, i == 0 || i > 11; is != want {
			t.Errorf("%s is remembered: %t, want %t", path, is, want)
		}
	}
}
