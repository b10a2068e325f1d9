package buffertest

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func testStartWhere(t *testing.T, f *fixture) {
	var at []time.Time
	for _, id := range []string{"1", "2", "3"} {
		at = append(at, f.clock.Now())
		f.append(id)
		f.clock.Advance(time.Hour)
	}
	spec := func(name string, from buffer.StartFrom, at time.Time) buffer.ConsumerSpec {
		return buffer.ConsumerSpec{Name: name, Start: buffer.Start{From: from, At: at}}
	}
	err := f.CreateConsumers(f.ctx,
		spec("default, the first ever", buffer.StartDefault, time.Time{}),
		spec("now", buffer.StartNow, time.Time{}),
		spec("beginning", buffer.StartBeginning, time.Time{}),
		spec("before the oldest", buffer.StartAt, at[0].Add(-time.Hour)),
		spec("when the second was stored", buffer.StartAt, at[1]),
		spec("just behind the second", buffer.StartAt, at[1].Add(1)),
		spec("behind the newest", buffer.StartAt, at[2].Add(time.Minute)),
		spec("to come", buffer.StartAt, at[2].Add(1000*time.Hour)),
	)
	if err != nil {
		t.Fatal(err)
	}
	err = f.CreateConsumers(f.ctx,
		spec("default, later", buffer.StartDefault, time.Time{}),
		spec("beginning, later", buffer.StartBeginning, time.Time{}),
		// One that is there stays where it is.
		spec("now", buffer.StartBeginning, time.Time{}),
	)
	if err != nil {
		t.Fatal(err)
	}
	f.append("4")
	f.crash()
	for name, want := range map[string][]uint64{
		"default, the first ever": {1, 2, 3, 4}, "now": {4}, "beginning": {1, 2, 3, 4},
		"before the oldest": {1, 2, 3, 4}, "when the second was stored": {2, 3, 4}, "just behind the second": {3, 4},
		"behind the newest": {4}, "to come": {4}, "default, later": {4}, "beginning, later": {1, 2, 3, 4},
	} {
		c := f.consumer(name)
		f.equal("positions of "+name, want, positions(f.lease(c, len(want))))
		f.none(c)
	}
	if err := f.CreateConsumers(f.ctx, spec("x", 99, time.Time{})); err == nil {
		t.Fatal("a start that is not known was taken")
	}
}
