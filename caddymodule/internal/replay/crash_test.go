package replay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// begin settles so many events, as dead letters where those are to be replayed, and adds their replay.
func (r *rig) begin(kind Kind, events int) (id string) {
	r.h.reject.Store(kind == KindDeadLetters)
	r.many(events)
	r.h.reject.Store(false)
	r.h.take()
	job := Job{Kind: kind, Rate: 400}
	if kind == KindEvents {
		job.Last = r.b.Stats().Last
	}
	return r.add(job).ID
}

// After a power cut at any moment the cursor stands exactly behind what was put back:
// nothing is fed a second time, and nothing is left out.
func TestReplayOverAPowerCut(t *testing.T) {
	const events = 48
	for _, kind := range []Kind{KindEvents, KindDeadLetters} {
		for fed := uint64(1); fed < events; fed += 9 {
			t.Run(fmt.Sprintf("%s, %d fed", kind, fed), func(t *testing.T) {
				fs := vfs.NewCrashableMem()
				r := openRig(t, disk.Options{Path: "/buffer", FS: fs}, dispatch.Config{})
				id := r.begin(kind, events)
				r.eventually("so many are fed", func() bool { return r.jobs.List()[0].Fed >= fed })
				image := fs.CrashClone(vfs.CrashCloneCfg{})
				before := r.h.take()

				after := openRig(t, disk.Options{Path: "/buffer", FS: image}, dispatch.Config{})
				if job := after.ended(id); job.State != StateDone || job.Fed != events || job.Open != 0 {
					t.Errorf("the job is %+v", job)
				}
				got := after.h.take()
				for i := range events {
					name := fmt.Sprintf("v:%d*", i)
					n := strings.Count(before+" "+got+" ", name+" ")
					// What was delivered and not yet recorded comes again; nothing comes thrice.
					if n < 1 || n > 2 || strings.Count(got+" ", name+" ") > 1 {
						t.Errorf("%s came %d times", name, n)
					}
				}
			})
		}
	}
}
