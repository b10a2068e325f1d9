package replay

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// A power cut right before a write of the replay leaves nothing out: what is put back and
// where the replay stands are one write.
func TestReplayCutBeforeAWrite(t *testing.T) {
	const events = 48
	for _, kind := range []Kind{KindEvents, KindDeadLetters} {
		for n := int64(1); n <= 12; n++ {
			t.Run(fmt.Sprintf("%s, before write %d", kind, n), func(t *testing.T) {
				var armed atomic.Bool
				var writes atomic.Int64
				var image *vfs.MemFS
				var before string
				cut := make(chan struct{})
				mem := vfs.NewCrashableMem()
				r := new(rig)
				fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
					if armed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && writes.Add(1) == n {
						before = r.h.take()
						image = mem.CrashClone(vfs.CrashCloneCfg{})
						close(cut)
					}
					return nil
				}))
				*r = *openRig(t, disk.Options{Path: "/buffer", FS: fs}, dispatch.Config{})
				id := r.begin(kind, events)
				armed.Store(true)
				isCut := func() bool {
					select {
					case <-cut:
						return true
					default:
						return false
					}
				}
				r.eventually("it is cut, or has written all", func() bool {
					s := r.consumer.Stats()
					return isCut() || r.jobs.List()[0].Ended() && s.Pending == 0 && s.Leased == 0 && s.Deferred == 0
				})
				if !isCut() {
					return // a slow machine puts more into one write, and makes fewer
				}

				after := openRig(t, disk.Options{Path: "/buffer", FS: image}, dispatch.Config{})
				if job := after.ended(id); job.State != StateDone || job.Fed != events {
					t.Errorf("the job is %+v", job)
				}
				all := before + " " + after.h.take() + " "
				for i := range events {
					if name := fmt.Sprintf("v:%d*", i); !strings.Contains(" "+all, " "+name+" ") {
						t.Errorf("%s never came", name)
					}
				}
			})
		}
	}
}
