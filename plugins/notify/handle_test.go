package notify

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

const (
	said = "AUTHENTICATION_FAILED, vehicle car"
	over = "Resolved: AUTHENTICATION_FAILED, vehicle car"
)

// future is an event whose sender's clock was a year ahead.
func future(e *sdk.Event) *sdk.Event {
	late := vehicleError(e.ID, e.VehicleID, 365*24*60*60, "ERROR "+reauth)
	late.ReceivedAt = e.ReceivedAt
	return late
}

// What is told of the events of one vehicle, one after another.
func TestWhatIsTold(t *testing.T) {
	type step struct {
		// after is how long it is until the event comes.
		after time.Duration
		event *sdk.Event
		told  []string
	}
	replay := func(e *sdk.Event) *sdk.Event {
		e.Replay = true
		return e
	}
	tests := map[string]struct {
		change func(c *config)
		steps  []step
	}{
		"once in a window": {nil, []step{
			{0, failed("1", "car", 0), []string{said}},
			{4 * time.Minute, failed("2", "car", 240), nil},
			{time.Minute, failed("3", "car", 300), []string{said}},
		}},
		"each code, vehicle and user of its own": {nil, []step{
			{0, vehicleError("1", "car", 0, "ERROR "+reauth, "ERROR VEHICLE_STATE/ASLEEP"), []string{said, "ASLEEP, vehicle car"}},
			{0, failed("2", "van", 0), []string{"AUTHENTICATION_FAILED, vehicle van"}},
		}},
		"without a code": {nil, []step{
			{0, vehicleError("1", "car", 0, "ERROR PERMISSION/"), []string{"PERMISSION, vehicle car"}},
		}},
		"without an error that can be read": {nil, []step{
			{0, vehicleError("1", "car", 0), []string{"UNKNOWN, vehicle car"}},
		}},
		"resolved once": {nil, []step{
			{0, failed("1", "car", 0), []string{said}},
			{time.Minute, resolved("2", "car", 60), []string{over}},
			{time.Minute, resolved("3", "car", 120), nil},
		}},
		"anew after it was resolved, within the window": {nil, []step{
			{0, failed("1", "car", 0), []string{said}},
			{time.Second, resolved("2", "car", 60), []string{over}},
			{time.Second, failed("3", "car", 120), []string{said}},
		}},
		"resolved that nobody was told of": {nil, []step{
			{0, resolved("1", "car", 0), nil},
		}},
		"resolved = always": {func(c *config) { c.Resolved = resolvedAlways }, []step{
			{0, resolved("1", "car", 0), []string{over}},
			{0, resolved("2", "car", 1), nil},
		}},
		"resolved = never": {func(c *config) { c.Resolved = resolvedNever }, []step{
			{0, failed("1", "car", 0), []string{said}},
			{0, resolved("2", "car", 1), nil},
			{0, failed("3", "car", 2), []string{said}},
		}},
		"both states of one code in an event": {nil, []step{
			{0, vehicleError("1", "car", 0, "RESOLVED "+reauth, "ERROR "+reauth), []string{said}},
		}},
		"an error older than what resolved it": {nil, []step{
			{0, failed("1", "car", 0), []string{said}},
			{0, resolved("2", "car", 60), []string{over}},
			{0, failed("3", "car", 30), nil},
		}},
		"sent in the future": {nil, []step{
			{0, future(failed("1", "car", 0)), []string{said}},
			{0, resolved("2", "car", 60), []string{over}},
		}},
		"resolved before the error that is open": {nil, []step{
			{0, failed("1", "car", 60), []string{said}},
			{0, resolved("2", "car", 30), nil},
		}},
		"a replay": {nil, []step{
			{0, replay(failed("1", "car", 0)), nil},
			{0, failed("2", "car", 1), []string{said}},
			{0, replay(resolved("3", "car", 2)), nil},
			{0, resolved("4", "car", 3), []string{over}},
		}},
		"a replay with replays = true": {func(c *config) { c.Replays = true }, []step{
			{0, replay(failed("1", "car", 0)), []string{said}},
			{0, resolved("2", "car", 60), []string{over}},
			{0, replay(failed("1", "car", 0)), nil},
		}},
		"the same event again": {nil, []step{
			{0, failed("1", "car", 0), []string{said}},
			{time.Hour, failed("1", "car", 0), nil},
		}},
		"a test": {nil, []step{
			{0, testEvent(failed("1", "car", 0)), []string{"Test: " + said}},
			{0, failed("2", "car", 0), []string{said}},
		}},
		"another type": {nil, []step{{0, vehicleState("1", "car"), nil}}},
		"a condition": {func(c *config) {
			c.Condition = `{{ lt (number "tractionbattery-stateofcharge") 101 }}`
			c.Code = "low_battery"
		}, []step{
			{0, vehicleState("1", "car"), []string{"low_battery, vehicle car"}},
			{time.Minute, vehicleState("2", "car"), nil},
			{5 * time.Minute, vehicleState("3", "car"), []string{"low_battery, vehicle car"}},
		}},
		"a condition that does not hold": {func(c *config) {
			c.Condition = `{{ gt (number "tractionbattery-stateofcharge") 100 }}`
		}, []step{{0, vehicleState("1", "car"), nil}}},
		"a condition without its reading": {func(c *config) {
			c.Condition = `{{ gt (number "charge-voltage") 0 }}`
		}, []step{{0, vehicleState("1", "car"), nil}}},
		"a condition for errors": {func(c *config) { c.Condition = `{{ eq .Code "ASLEEP" }}` }, []step{
			{0, vehicleError("1", "car", 0, "ERROR "+reauth, "ERROR VEHICLE_STATE/ASLEEP"), []string{"ASLEEP, vehicle car"}},
			{0, vehicleError("2", "car", 1, "RESOLVED "+reauth, "RESOLVED VEHICLE_STATE/ASLEEP"),
				[]string{"Resolved: ASLEEP, vehicle car"}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, test.change)
				for _, s := range test.steps {
					time.Sleep(s.after)
					r.want(s.event, sdk.StatusDone, s.told...)
					r.restart() // it changes nothing
				}
			})
		})
	}
}

func testEvent(e *sdk.Event) *sdk.Event {
	e.Mode = "TEST"
	return e
}

// A stale reading is no reason to tell people.
func TestStaleReadingMeetsNoCondition(t *testing.T) {
	r := newRig(t, func(c *config) { c.Condition = `{{ lt (number "tractionbattery-stateofcharge") 101 }}` })
	e := vehicleState("1", "car")
	e.StaleSignals = []string{"tractionbattery-stateofcharge"}
	r.want(e, sdk.StatusDone)
}

// A body that cannot be read can be told of nobody.
func TestUnreadableEventIsRejected(t *testing.T) {
	r := newRig(t, nil)
	e := failed("1", "car", 0)
	e.Payload = []byte("secret-body")
	err := r.handler.handle(t.Context(), []*sdk.Event{e})[0]
	if sdk.ResultOf(err).Reason != "unreadable" || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// While a target is down the event comes again; who has the message does not get it twice, nor after a restart.
func TestPartialSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.places[1].failWith(errDown)
		e := failed("1", "car", 0)
		r.want(e, sdk.StatusUnavailable, said)
		time.Sleep(time.Hour)
		r.want(e, sdk.StatusUnavailable)
		r.restart()
		r.places[1].failWith(nil)
		r.want(e, sdk.StatusDone)
		if got := r.places[1].titles(); len(got) != 1 {
			t.Errorf("the other one got %q", got)
		}
		r.want(resolved("2", "car", 1), sdk.StatusDone, over)
	})
}

// A target that is down is asked once in a call, whatever waits for it.
func TestDownTargetIsAskedOnce(t *testing.T) {
	r := newRig(t, nil)
	asked := 0
	r.places[1].before = func(payload) { asked++ }
	r.places[1].failWith(errDown)
	for i, status := range r.handle(failed("1", "a", 0), failed("2", "b", 0), failed("3", "c", 0)) {
		if status != sdk.StatusUnavailable {
			t.Errorf("event %d is %s", i, status)
		}
	}
	if asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}

// A message that is refused as such is a dead letter; a replay of it goes to whom it did not come.
func TestRefusedMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.places[1].failWith(errNo)
		e := failed("1", "car", 0)
		r.want(e, sdk.StatusReject, said)
		r.places[1].failWith(nil)
		e.Replay = true
		r.want(e, sdk.StatusDone)
		if got := r.places[1].titles(); len(got) != 1 {
			t.Errorf("the other one got %q", got)
		}
	})
}

// Who was not told that it broke is not told that it is mended, and is told when it breaks again.
func TestRefusedByAllCountsAsUntold(t *testing.T) {
	r := newRig(t, nil)
	for _, p := range r.places {
		p.failWith(errNo)
	}
	r.want(failed("1", "car", 0), sdk.StatusReject)
	for _, p := range r.places {
		p.failWith(nil)
	}
	r.want(resolved("2", "car", 1), sdk.StatusDone)
	r.want(failed("3", "car", 2), sdk.StatusDone, said)
}

// One target that may take it later keeps the event from being given up.
func TestRefusedAndDown(t *testing.T) {
	r := newRig(t, nil)
	r.places[0].failWith(errNo)
	r.places[1].failWith(errDown)
	r.want(failed("1", "car", 0), sdk.StatusUnavailable)
}

// A kill between a target's yes and its being written down repeats that one message, and no other.
func TestKillRepeatsOneMessage(t *testing.T) {
	r := newRig(t, nil)
	r.places = r.places[:1]
	r.restart()
	killed := errors.New("killed")
	r.handler.targets[0].Sender = &dying{place: r.places[0], at: 2, err: killed}
	events := []*sdk.Event{failed("1", "a", 0), failed("2", "b", 0), failed("3", "c", 0)}
	r.handle(events...)
	if got := r.places[0].titles(); len(got) != 2 {
		t.Fatalf("before the kill it got %q", got)
	}
	r.restart()
	r.handle(events...)
	r.told("AUTHENTICATION_FAILED, vehicle b", "AUTHENTICATION_FAILED, vehicle c")
}

// A title that cannot be run on an event does not keep people from being told.
func TestTemplateThatFailsOnAnEvent(t *testing.T) {
	r := newRig(t, func(c *config) { c.Title = `{{ if eq .Vehicle "car" }}{{ slice .Vehicle 9 }}{{ end }}` })
	r.want(failed("1", "car", 0), sdk.StatusDone, said)
}

// Two events of one batch about the same error are one notice.
func TestBatchWithTheSameErrorTwice(t *testing.T) {
	r := newRig(t, nil)
	r.handle(failed("1", "car", 0), failed("2", "car", 1), failed("1", "car", 0))
	r.told(said)
}

// What the rate limit holds back comes in one digest when the period is over, though no event arrives.
func TestStormIsOneDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 3, Per: time.Minute} })
		for i := range 10 {
			var batch []*sdk.Event
			for j := range 50 {
				v := fmt.Sprintf("car-%03d", 50*i+j)
				batch = append(batch, failed("e-"+v, v, 0))
			}
			for _, status := range r.handle(batch...) {
				if status != sdk.StatusDone {
					t.Fatalf("an event is %s", status)
				}
			}
		}
		r.told("AUTHENTICATION_FAILED, vehicle car-000", "AUTHENTICATION_FAILED, vehicle car-001",
			"AUTHENTICATION_FAILED, vehicle car-002")
		r.want(resolved("r", "car-400", 1), sdk.StatusDone)
		r.want(failed("again", "car-400", 2), sdk.StatusDone) // once in a digest
		r.restart()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		r.told()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		r.places[0].mu.Lock()
		got := r.places[0].got
		r.places[0].mu.Unlock()
		const want = "497 vehicles of source sdktest have error CONNECTED_SERVICES_ACCOUNT AUTHENTICATION_FAILED, " +
			"the first car-003, car-004, car-005, car-006, car-007\n" +
			"1 vehicle of source sdktest no longer has error CONNECTED_SERVICES_ACCOUNT AUTHENTICATION_FAILED: car-400\n"
		if len(got) != 1 || got[0].Title != "498 notices in one" || got[0].Text != want {
			t.Errorf("the digest is %+v", got)
		}
		r.places[0].titles()
		// The digest counts as one of the next period.
		r.handle(failed("1", "x", 0), failed("2", "y", 0), failed("3", "z", 0))
		r.told("AUTHENTICATION_FAILED, vehicle x", "AUTHENTICATION_FAILED, vehicle y")
		time.Sleep(time.Minute)
		synctest.Wait()
		r.told("AUTHENTICATION_FAILED: 1 vehicle")
	})
}

// A digest whose target is down waits in the state file, over restarts, and goes to no one twice.
func TestDigestWaitsForItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 1, Per: time.Minute} })
		r.handle(failed("1", "a", 0), failed("2", "b", 0))
		r.told("AUTHENTICATION_FAILED, vehicle a")
		r.places[1].titles()
		r.places[1].failWith(errDown)
		time.Sleep(time.Hour)
		synctest.Wait()
		r.told("AUTHENTICATION_FAILED: 1 vehicle")
		r.restart()
		synctest.Wait()
		r.places[1].failWith(nil)
		time.Sleep(longestPause)
		synctest.Wait()
		r.told()
		if got := r.places[1].titles(); len(got) != 1 {
			t.Errorf("the other one got %q", got)
		}
	})
}

// A digest that is refused as such does not stop the next one.
func TestRefusedDigestIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 1, Per: time.Minute} })
		r.handle(failed("1", "a", 0), failed("2", "b", 0))
		for _, p := range r.places {
			p.titles()
			p.failWith(errNo)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, p := range r.places {
			p.failWith(nil)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		r.told()
		r.handle(failed("3", "c", 0), failed("4", "d", 0))
		time.Sleep(time.Minute)
		synctest.Wait()
		r.told("AUTHENTICATION_FAILED, vehicle c", "AUTHENTICATION_FAILED: 1 vehicle")
	})
}
