package vehicles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const day = 24 * time.Hour

// counted passes the time until the vehicles are counted again.
func (r *rig) counted() []SourceSummary {
	r.t.Helper()
	r.pass(2 * surveyEvery)
	r.settle()
	return r.Summary().Sources
}

func TestCounts(t *testing.T) {
	r := newRig(t)
	r.limits.slice = 3
	long := r.now().Add(-20 * day)
	for i := range 4 {
		r.appendOf("a", fmt.Sprint("gone", i), state, nil, long)
	}
	for i := range 3 {
		r.appendOf("a", fmt.Sprint("parked", i), state, nil, r.now().Add(-2*day))
	}
	r.appendOf("a", "fine", state, nil, r.now())
	r.appendOf("b", "broken", failed, smartcar.Sample{}.VehicleError(), r.now())
	want := []SourceSummary{
		{Source: "a", Vehicles: 8, Silent: 7, Lately: 4, LatelySilent: 3, LastEvent: r.now()},
		{Source: "b", Vehicles: 1, InError: 1, Lately: 1, LastEvent: r.now()},
	}
	if diff := cmp.Diff(want, r.counted(), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
	// Between two counts nothing is counted, however often it is asked.
	r.appendOf("a", "new", state, nil, r.now())
	r.pass(time.Second)
	r.step()
	if n := r.Summary().Sources[0].Vehicles; n != 8 {
		t.Errorf("%d vehicles: they are counted at each step", n)
	}
	if n := r.counted()[0].Vehicles; n != 9 {
		t.Errorf("%d vehicles, want 9", n)
	}
}

func TestVehiclesAreForgottenInTime(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.store("old", state, nil)
	r.pass(60 * day)
	r.store("young", state, nil)
	r.pass(31 * day)
	r.counted()
	if got := r.list(Query{}); len(got) != 1 || got[0] != "young" {
		t.Errorf("%v", got)
	}
	r.Set(Settings{ForgetAfter: 10 * day})
	r.counted()
	if got := r.list(Query{}); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// jumped is a buffer that does not believe the clock.
type jumped struct{ buffer.Buffer }

func (j jumped) Stats() buffer.Stats {
	s := j.Buffer.Stats()
	s.ClockJump.By = 365 * day
	return s
}

// A clock that has jumped deletes nothing.
func TestNothingIsForgottenWhileTheClockIsWrong(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.store("car", state, nil)
	r.settle()
	r.Watch.buffer = jumped{r.buffer}
	r.pass(365 * day)
	r.counted()
	if got := r.list(Query{}); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// What was noted while the clock was ahead does not hide for years what comes later.
func TestTimesAheadAreCut(t *testing.T) {
	r := newRig(t)
	r.settle()
	e := r.event("production", "car", failed, smartcar.Sample{}.VehicleError(), r.now().Add(10*365*day))
	receipt, err := r.buffer.Append(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	r.Stored(receipt.Position, e)
	r.counted()
	if v := r.vehicle("car"); v.LastError.After(r.now()) || v.Open[0].Since.After(r.now()) {
		t.Errorf("%+v", v)
	}
	r.pass(time.Minute)
	r.store("car", failed, vehicleError(told("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "RESOLVED", "")))
	if v := r.vehicle("car"); len(v.Open) != 0 || !v.LastError.Equal(r.now()) {
		t.Errorf("%+v", v)
	}
}

// Beyond the bound those that were silent the longest go.
func TestTooManyVehicles(t *testing.T) {
	r := newRig(t)
	r.limits.vehicles = 10
	r.settle()
	for i := range 30 {
		r.pass(2 * time.Hour)
		r.append(fmt.Sprintf("car%02d", i), state, nil)
	}
	r.settle()
	r.counted()
	r.settle()
	if got := r.list(Query{}); len(got) != 10 || got[0] != "car20" {
		t.Errorf("%v", got)
	}
}

func TestForget(t *testing.T) {
	const id = "anna-s-volvo"
	r := newRig(t)
	r.settle()
	r.store(id, state, nil)
	r.appendOf("b", id, state, nil, r.now())
	r.store("other", state, nil)
	r.settle()
	forget := func(want int) {
		t.Helper()
		if n, err := r.Forget(context.Background(), id); n != want || err != nil {
			t.Errorf("of %d sources, %v; want %d", n, err, want)
		}
	}
	gone := func(when string) {
		t.Helper()
		if page, err := r.Find(context.Background(), id); err != nil || len(page.Vehicles) != 0 {
			t.Errorf("%s: %+v %v", when, page, err)
		}
	}
	forget(2)
	gone("at once")
	forget(0)
	r.restart()
	gone("after a restart")
	if got := r.list(Query{}); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if len(r.table.forgotten) != 0 {
		t.Error("that it was forgotten is still kept")
	}
	// It is in no file either.
	err := filepath.WalkDir(filepath.Join(r.dir, Folder), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil // the store removes what it needs no more
		}
		if err == nil && bytes.Contains(raw, []byte(id)) {
			t.Errorf("%s still has the id", d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.store(id, state, nil)
	if v := r.vehicle(id); v.LastState.IsZero() {
		t.Error("a later event does not count")
	}
}

// What is forgotten while its events still have to be read does not come back with them, after a crash neither.
func TestForgetWhileCatchingUp(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.append(fmt.Sprint("car", i%10), state, nil)
	}
	r.limits.perSecond = 10
	r.step()
	if n, err := r.Forget(context.Background(), "car3"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	r.crash()
	r.watch()
	r.limits.perSecond = 10
	r.settle()
	if got := r.list(Query{}); len(got) != 9 {
		t.Errorf("%v", got)
	}
}

// A config that is still being loaded, and may be refused, deletes nothing: neither with a shorter time nor with off.
func TestOnlyAConfigInForceDeletes(t *testing.T) {
	r := newRig(t)
	r.settle()
	r.store("car", state, nil)
	r.pass(2 * time.Hour)
	r.store("another car", state, nil)
	r.settle()
	inForce := false
	check := func(when string, want int) {
		t.Helper()
		for range 3 {
			r.pass(time.Minute)
			r.step()
		}
		set := *r.settings.Load()
		r.Set(Settings{})
		r.settle()
		if got := r.list(Query{}); len(got) != want {
			t.Errorf("%s: %q are known, want %d", when, got, want)
		}
		r.Set(set)
	}
	for _, s := range []Settings{{ForgetAfter: time.Hour}, {Off: true}} {
		s.InForce = func() bool { return inForce }
		r.Set(s)
		check(fmt.Sprintf("%+v, while it is being loaded", s), 2)
	}
	inForce = true
	r.Set(Settings{ForgetAfter: time.Hour, InForce: func() bool { return inForce }})
	check("in force", 1)
}

func TestOff(t *testing.T) {
	r := newRig(t)
	r.settle()
	folder := filepath.Join(r.dir, Folder)
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	r.store("car", state, nil)
	// Off by a config that is taken back costs nothing.
	r.settle()
	r.Set(Settings{Off: true})
	r.step()
	r.pass(usualLimits.keepWhenOff - 1)
	r.step()
	r.Set(Settings{})
	r.settle()
	r.pass(time.Hour)
	if got := r.list(Query{}); len(got) != 1 {
		t.Errorf("off for a moment, it has %v", got)
	}
	r.Set(Settings{Off: true})
	r.step()
	r.pass(usualLimits.keepWhenOff)
	r.step()
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was kept is still there: %v", err)
	}
	if _, err := r.List(context.Background(), Query{Limit: 1}); !errors.Is(err, ErrOff) {
		t.Errorf("%v", err)
	}
	r.store("car2", failed, smartcar.Sample{}.VehicleError())
	r.step()
	if s := r.Summary(); s.State != StateOff || len(s.Told) != 1 {
		t.Errorf("%+v", s)
	}
	r.Set(Settings{})
	if r.step(); r.table.store == nil {
		t.Error("it is not on again at once")
	}
	r.settle()
	if got := r.list(Query{}); len(got) != 2 {
		t.Errorf("on again: %v", got)
	}
	if n := r.Summary().Told[0].Count; n != 1 {
		t.Errorf("the error is counted %d times", n)
	}
}
