package disk

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// One damaged event costs no other one, also in the last group of the log.
func TestDamagedEventInTheLastGroup(t *testing.T) {
	const together = 25
	mem := vfs.NewCrashableMem()
	syncs, goOn := make(chan struct{}), make(chan struct{})
	var hold atomic.Bool
	o := Options{Path: "buffer", FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".events") && op.Kind == errorfs.OpFileSyncData && hold.Swap(false) {
			close(syncs)
			<-goOn
		}
		return nil
	}))}
	b, err := Open(t.Context(), o)
	must(t, err)
	appendTo(t, b, 1, 1)
	hold.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() { appendTo(t, b, 2, 2) })
	<-syncs
	for i := range together {
		wg.Go(func() { appendTo(t, b, 3+i, 3+i) })
	}
	await(t, time.Minute, "all wait for one group", func() bool { return len(b.committer.queue) == together })
	close(goOn)
	wg.Wait()
	b.writeControl(false)
	if group := b.committed.Load(); group != 3 {
		t.Fatalf("there are %d groups, want 3", group)
	}
	raw, err := b.events.Read(2 + together/2)
	must(t, err)
	r := &rot{t: t, o: o, file: mem.PathJoin(o.Path, segmentNames(t, mem, o)[0])}
	r.crash(mem)
	must(t, b.Close())
	intact := r.read()
	r.write(flipped(intact, bytes.Index(intact, raw)+len(raw)/2))
	b, err = Open(t.Context(), r.o)
	must(t, err)
	defer b.Close()
	for p := uint64(1); p <= 2+together; p++ {
		if _, err := b.Event(t.Context(), p); (err != nil) != (p == 2+together/2) {
			t.Errorf("event %d: %v", p, err)
		}
	}
	if aside := b.Stats().Damaged; len(aside) > 0 {
		t.Errorf("%+v is set aside", aside)
	}
	receipt, err := b.Append(t.Context(), crashEvent("next", 10))
	if err != nil || receipt.Position != 3+together {
		t.Errorf("the next event: %+v, %v; want position %d", receipt, err, 3+together)
	}
}

// A dead letter that is lost may be all that is left of a trimmed event, so such a trim is lost with it.
func TestTrimBehindLostChangesIsTakenBack(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var hours atomic.Int64
	clock := func() time.Time { return time.Date(2026, 11, 29, int(hours.Load()), 0, 0, 0, time.UTC) }
	r := &rot{t: t, told: newLedger(), o: Options{Path: "buffer", FS: mem, Clock: clock, Limits: Limits{Retention: time.Hour}}}
	b, err := Open(t.Context(), r.o)
	must(t, err)
	c := openConsumer(t, b, "h")
	appendTo(t, b, 1, 2)
	r.file, r.disk = mem.PathJoin(r.o.Path, segmentNames(t, mem, r.o)[0]), mem
	from := len(bytes.TrimRight(r.read(), "\x00"))
	settleN(t, c, 1, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	settleN(t, c, 1, doneAll)
	hours.Add(2)
	must(t, b.trim(t.Context()))
	if first := b.Stats().First; first != 3 {
		t.Fatalf("the first event is %d, so nothing is trimmed", first)
	}
	appendTo(t, b, 3, 3)
	b.writeControl(false)
	r.crash(mem)
	closeAll(t, c)
	must(t, b.Close())
	r.write(flipped(r.read(), from+groupHeader))
	b, err = Open(t.Context(), r.o)
	must(t, err)
	defer b.Close()
	if had := r.finish(b); !had[1] {
		t.Errorf("of what was trimmed, the consumer has had %v again; %d dead letters are there", had, b.Stats().DeadLetters)
	}
}

// groupHeader is at least the size of a group's header: what follows in a group without records is its batch.
const groupHeader = 60

// An event that could not be read as one is nowhere but in its dead letter. Where that is lost, there is another.
func TestLostDeadLetterOfAnUnreadableEvent(t *testing.T) {
	mem := vfs.NewCrashableMem()
	whole := &rot{t: t, told: newLedger(), o: Options{Path: "buffer", FS: mem}}
	b, err := Open(t.Context(), whole.o)
	must(t, err)
	appendTo(t, b, 1, 3)
	whole.file, whole.disk = mem.PathJoin(whole.o.Path, segmentNames(t, mem, whole.o)[0]), mem
	from := len(bytes.TrimRight(whole.read(), "\x00"))
	unreadable := crashEvent("unreadable", 100)
	unreadable.Unreadable = "no JSON"
	_, err = b.Append(t.Context(), unreadable)
	must(t, err)
	to := len(bytes.TrimRight(whole.read(), "\x00"))
	appendTo(t, b, 5, 6)
	b.writeControl(false)
	whole.crash(mem)
	must(t, b.Close())
	intact := whole.read()
	for at := from; at < to; at += 7 {
		r := whole.again(t, vfs.NewMem())
		r.write(flipped(intact, at))
		b, err := Open(t.Context(), r.o)
		must(t, err)
		r.what = fmt.Sprintf("a flipped bit at %d of %d to %d", at, from, to)
		r.finish(b)
		await(t, time.Minute, "there is a dead letter, with "+r.what, func() bool { return b.Stats().DeadLetters == 1 })
		must(t, b.Close())
	}
}
