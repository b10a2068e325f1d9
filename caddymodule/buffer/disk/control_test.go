package disk

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Without the control file all is there, but a check is missing: somebody should know, until the next start has one.
func TestLostControlFileIsSaid(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, mem *vfs.MemFS, path string){
		"there":   nil,
		"missing": func(t *testing.T, mem *vfs.MemFS, path string) { must(t, mem.Remove(path)) },
		"damaged": func(t *testing.T, mem *vfs.MemFS, path string) {
			f, err := mem.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
			must(t, err)
			_, err = f.WriteAt([]byte{0}, 0)
			must(t, err, f.Sync(), f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewMem()
			o := closedBuffer(t, mem, 3)
			if lose != nil {
				lose(t, mem, mem.PathJoin(o.Path, "control"))
			}
			checkControlLost(t, o, lose != nil)
			checkControlLost(t, o, false)
		})
	}
}

// The control file is set aside with others that are damaged. Whether it was there counts just then.
func TestLostControlFileIsSaidBesideDamage(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, vfs.FS, Options){"the store": spoil, "all files": spoilLog} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lost %t", name, lost), func(t *testing.T) {
				mem := vfs.NewMem()
				o := closedBuffer(t, mem, 3)
				spoil(t, mem, o)
				if lost {
					must(t, mem.Remove(mem.PathJoin(o.Path, "control")))
				}
				b, err := Open(t.Context(), o)
				must(t, err)
				s := b.Stats()
				must(t, b.Close())
				if s.ControlLost != lost || len(s.Damaged) == 0 {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// checkControlLost opens a buffer with three events.
func checkControlLost(t *testing.T, o Options, lost bool) {
	t.Helper()
	j := &journal{}
	o.Log = j.log()
	b, err := Open(t.Context(), o)
	must(t, err)
	s := b.Stats()
	must(t, b.Close())
	if lines := j.with("level=WARN", "control file is missing"); len(lines) > 0 != lost {
		t.Errorf("lost %t, and the log says\n%s", lost, j.all())
	}
	if s.ControlLost != lost || s.Last != 3 || len(s.Damaged) > 0 {
		t.Errorf("lost %t: %+v", lost, s)
	}
}
