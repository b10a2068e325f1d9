package disk

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// identityIn opens the buffer, closes it again and returns its identity.
func identityIn(t *testing.T, o Options) string {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Identity()
}

func TestIdentityStays(t *testing.T) {
	mem := vfs.NewCrashableMem()
	o := Options{Path: "buffer", FS: mem}
	id := identityIn(t, o)
	if len(id) != 32 {
		t.Fatalf("identity %q", id)
	}
	o.Identity = id
	identityIn(t, o)
	o.FS = mem.CrashClone(vfs.CrashCloneCfg{}) // what is not synced is gone
	if got := identityIn(t, o); got != id {
		t.Errorf("after a crash it is %q, before it was %q", got, id)
	}
	if got := identityIn(t, Options{Path: "other", FS: o.FS}); got == id {
		t.Error("another buffer has the same identity")
	}
}

// A torn or damaged identity is none, and costs nothing that is stored.
func TestDamagedIdentity(t *testing.T) {
	o := Options{Path: "buffer", FS: vfs.NewMem()}
	id := identityIn(t, o)
	for _, text := range []string{"", id[:31], id[:30] + "xy", strings.Repeat(id, 2)} {
		writeFile(t, o.FS, "buffer/identity", text)
		anew := identityIn(t, o)
		if anew == id || len(anew) != 32 {
			t.Errorf("with %q there the identity is %q", text, anew)
		}
		if got := identityIn(t, o); got != anew {
			t.Errorf("then it is %q", got)
		}
	}
}

func writeFile(t *testing.T, fsys vfs.FS, path, text string) {
	t.Helper()
	f, err := fsys.Create(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write([]byte(text))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesAnotherBuffer(t *testing.T) {
	mem := vfs.NewMem()
	id := identityIn(t, Options{Path: "one", FS: mem})
	other := identityIn(t, Options{Path: "other", FS: mem})
	if err := mem.MkdirAll("empty", 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"empty": "empty or not there", "not-there": "empty or not there", "other": "another buffer, " + other,
	} {
		before, _ := mem.List(path)
		_, err := Open(t.Context(), Options{Path: path, FS: mem, Identity: id})
		e, ok := errors.AsType[*IdentityError](err)
		if !ok || e.Want != id || !errors.Is(err, buffer.ErrOtherBuffer) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an IdentityError with %q", path, err, want)
		}
		after, _ := mem.List(path)
		slices.Sort(before)
		slices.Sort(after)
		if !slices.Equal(before, after) {
			t.Errorf("%s: files %v, before %v", path, after, before)
		}
	}
}

// A damaged file keeps no event from being received, least of all one that holds none.
func TestOpenTakesADamagedIdentityForTheKnownOne(t *testing.T) {
	mem := vfs.NewMem()
	id := identityIn(t, Options{Path: "buffer", FS: mem})
	writeFile(t, mem, "buffer/identity", "\x00\x00")
	if is := identityIn(t, Options{Path: "buffer", FS: mem, Identity: id}); is != id {
		t.Errorf("the identity is %s, want %s, which was known", is, id)
	}
}

// mounted is a file system over which a volume with another buffer is mounted between the first look and the lock.
type mounted struct {
	vfs.FS
	mount func()
}

func (m *mounted) Lock(name string) (io.Closer, error) {
	m.mount()
	return m.FS.Lock(name)
}

func TestOpenLooksAgainUnderTheLock(t *testing.T) {
	mem := vfs.NewMem()
	id := identityIn(t, Options{Path: "buffer", FS: mem})
	late := strings.Repeat("0f", 16)
	fsys := &mounted{mem, func() { writeFile(t, mem, "buffer/identity", late+"\n") }}
	_, err := Open(t.Context(), Options{Path: "buffer", FS: fsys, Identity: id})
	if e, ok := errors.AsType[*IdentityError](err); !ok || e.Found.Identity != late {
		t.Errorf("got %v, want an IdentityError", err)
	}
}
