package quarantine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A flood of forged bodies stays within all bounds, at each moment, and what Smartcar sends meanwhile is kept.
func TestFlood(t *testing.T) {
	s := Settings{MaxSize: 2 << 20, MaxCount: 400, MaxRate: 256 << 10}.WithDefaults()
	r := newRig(t, s)
	written, genuine := uint64(0), 0
	for second := range 30 {
		for tenth := range 10 {
			for n := range 200 {
				r.Offer(r.request(fmt.Sprintf("198.51.%d.0/24", n%5), r.body(2000+n)))
			}
			if tenth == 5 {
				r.Offer(r.request(smartcars, r.body(5000)))
				genuine++
			}
			r.pass(100 * time.Millisecond)
			if n, size := r.files(); n > s.MaxCount || size > s.MaxSize {
				t.Fatalf("%d files, %d bytes", n, size)
			}
			if r.queue.bytes > queuedBytes || r.queue.items > queuedItems {
				t.Fatalf("%d bytes of %d wait in memory", r.queue.bytes, r.queue.items)
			}
		}
		sum := r.Summary()
		burst := uint64(0)
		if second == 0 {
			burst = uint64(onDisk(longestBody + headRead))
		}
		if took := sum.WrittenBytes - written; took > uint64(s.MaxRate)+burst {
			t.Fatalf("%d bytes were written in second %d", took, second)
		}
		written = sum.WrittenBytes
	}
	if got := r.kept(smartcars); got != genuine {
		t.Errorf("%d of %d of Smartcar's are kept", got, genuine)
	}
	if r.dropped(Rate) == 0 || r.dropped(Displaced) == 0 {
		t.Errorf("dropped: %v", r.Summary().Dropped)
	}
	if sum := r.Summary(); sum.Kept == 0 || sum.Written != uint64(sum.Kept)+r.dropped(Displaced) {
		t.Errorf("%+v", sum)
	}
}

func TestWhichGivesWay(t *testing.T) {
	for name, tc := range map[string]struct {
		settings Settings
		keep     string // networks, in their order
		want     string
	}{
		"all fits":                        {Settings{MaxCount: 4}, "a b a c", "a a b c"},
		"the oldest of the largest":       {Settings{MaxCount: 4}, "b a a a a", "a a a b"},
		"a newcomer to the largest":       {Settings{MaxCount: 4}, "b a a a c", "a a b c"},
		"the newcomer's own":              {Settings{MaxCount: 3}, "a a b a", "a a b"},
		"by size":                         {Settings{MaxSize: 5 * 4096}, "a a a a a b", "a a a a b"},
		"one alone displaces itself":      {Settings{MaxCount: 2}, "a a a a", "a a"},
		"where all are equal, the eldest": {Settings{MaxCount: 2}, "a b c", "b c"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tc.settings)
			for _, network := range strings.Fields(tc.keep) {
				r.keep(network, 1000)
			}
			var got []string
			for _, network := range []string{"a", "b", "c"} {
				for range r.kept(network) {
					got = append(got, network)
				}
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("kept: %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("the newest stay", func(t *testing.T) {
		r := newRig(t, Settings{MaxCount: 2})
		r.keep("a", 1000)
		r.keep("a", 1000)
		r.keep("a", 1000)
		if list := r.list(); list[0].EventID[35] != '2' || list[1].EventID[35] != '3' {
			t.Errorf("%+v", list)
		}
	})
}

// A config that is still being loaded, and may be refused, deletes nothing, however long that takes: not even where the
// one before keeps nothing, and a new one has nothing else to go by.
func TestOnlyAConfigInForceDeletes(t *testing.T) {
	const kept = 10
	for name, before := range map[string]Settings{"on": {On: true}, "off": {}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Settings{})
			for range kept {
				r.keep("a", 1000)
			}
			r.Set(before, ring{})
			r.settle()
			inForce := false
			less := Settings{On: true, MaxCount: 4, MaxAge: time.Minute, InForce: func() bool { return inForce }}
			r.Set(less, ring{})
			r.later(time.Hour)
			r.keep("b", 1000)
			if n, _ := r.files(); n != kept+1 || r.MayDelete() {
				t.Errorf("while it is being loaded: %d files, may delete: %t", n, r.MayDelete())
			}
			r.Set(before, ring{})
			r.settle()
			if n, _ := r.files(); n != kept+1 {
				t.Errorf("after it was taken back: %d files", n)
			}
			r.Set(less, ring{})
			inForce = true
			r.settle()
			if n, _ := r.files(); n > 1 {
				t.Errorf("in force: %d files", n)
			}
		})
	}
	t.Run("the first one", func(t *testing.T) {
		r := newRig(t, Settings{})
		for range kept {
			r.keep("a", 1000)
		}
		inForce := false
		r.open(Settings{MaxCount: 4, InForce: func() bool { return inForce }})
		r.Offer(r.request("b", r.body(1000)))
		r.later(30 * 24 * time.Hour)
		if n, _ := r.files(); n != kept || r.dropped(Disk) != 0 {
			t.Errorf("while it is being loaded: %d files, %d are not written", n, r.dropped(Disk))
		}
		r.flush()
		if n, _ := r.files(); n != kept {
			t.Errorf("it was taken back: %d files", n)
		}
		r.Offer(r.request("b", r.body(1000)))
		inForce = true
		r.steps()
		if r.kept("b") != 1 {
			t.Error("what came while it was being loaded is not kept")
		}
	})
}

// A reload to less holds as soon as it is in force.
func TestSmallerBounds(t *testing.T) {
	r := newRig(t, Settings{})
	for range 10 {
		r.keep("a", 1000)
	}
	r.Set(Settings{On: true, MaxCount: 4}, ring{})
	r.settle()
	if n, _ := r.files(); n != 4 {
		t.Errorf("%d files", n)
	}
	r.Set(Settings{}, ring{})
	r.settle()
	if n, _ := r.files(); n != 4 {
		t.Errorf("off: %d files", n)
	}
	r.Offer(r.request("a", r.body(100)))
	r.later(time.Second)
	if n, _ := r.files(); n != 4 {
		t.Errorf("off: %d files after another came", n)
	}
}

func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for name, tc := range map[string]struct {
		change func(r *rig)
		after  time.Duration
		want   int
	}{
		"young":                          {nil, 2*day - time.Minute, 1},
		"old":                            {nil, 2*day + time.Minute, 0},
		"the clock is not believed":      {func(r *rig) { r.buffer.lost = true }, 100 * day, 1},
		"the dedupe window is shorter":   {func(r *rig) { r.buffer.window = day }, day + time.Minute, 0},
		"off, by the default":            {func(r *rig) { r.Set(Settings{}, ring{}) }, 7*day - time.Minute, 1},
		"off, by the default, and older": {func(r *rig) { r.Set(Settings{}, ring{}) }, 7*day + time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Settings{MaxAge: 2 * day})
			r.keep(smartcars, 1000)
			if tc.change != nil {
				tc.change(r)
				r.follow()
			}
			r.later(tc.after)
			if n, _ := r.files(); n != tc.want {
				t.Errorf("%d files, want %d", n, tc.want)
			}
			if got := r.dropped(Expired); got != uint64(1-tc.want) {
				t.Errorf("%d expired", got)
			}
		})
	}
}

// A start goes by the settings of its config from the beginning, not by the defaults.
func TestStartKeepsByItsConfig(t *testing.T) {
	const day = 24 * time.Hour
	r := newRig(t, Settings{MaxAge: 30 * day})
	r.buffer.window = 30 * day
	r.keep(smartcars, 1000)
	r.buffer.now = r.buffer.now.Add(20 * day)
	r.open(Settings{MaxAge: 30 * day})
	r.later(time.Second)
	r.settle()
	if n, _ := r.files(); n != 1 {
		t.Errorf("%d files", n)
	}
}

func TestNetworkOf(t *testing.T) {
	for ip, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24",
		"2001:db8:1:2::3": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48", "": "unknown", "@": "unknown",
	} {
		if got := NetworkOf(ip); got != want {
			t.Errorf("%q: %s, want %s", ip, got, want)
		}
	}
}
