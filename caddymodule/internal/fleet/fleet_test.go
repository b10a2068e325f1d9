package fleet

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 20, 8, 15, 30, 0, time.UTC)

// some is a fleet that shows everything.
var some = Options{Vehicles: 4, Rate: 2, Count: 500, Seed: 7, Start: start}

func deliveriesOf(t *testing.T, o Options) (all []Delivery) {
	t.Helper()
	p, err := NewPlan(o)
	if err != nil {
		t.Fatal(err)
	}
	for d, more := p.Next(); more; d, more = p.Next() {
		all = append(all, d)
	}
	return all
}

func (d Delivery) body() []byte { return d.Body(start.Add(d.At)) }

// happened are the parsed events in the order in which they happened.
func happened(t *testing.T, o Options) []*smartcar.Event {
	t.Helper()
	bySeq := map[int]*smartcar.Event{}
	for _, d := range deliveriesOf(t, o) {
		e, err := smartcar.ParseEvent(d.body())
		if err != nil {
			t.Fatalf("event %d: %v", d.Seq, err)
		}
		bySeq[d.Seq] = e
	}
	all := make([]*smartcar.Event, 0, len(bySeq))
	for seq := range len(bySeq) {
		if bySeq[seq+1] == nil {
			t.Fatalf("event %d of %d was never delivered", seq+1, len(bySeq))
		}
		all = append(all, bySeq[seq+1])
	}
	return all
}

func TestSeedDecides(t *testing.T) {
	one, two := deliveriesOf(t, some), deliveriesOf(t, some)
	if len(one) != len(two) || len(one) <= some.Count {
		t.Fatalf("%d and %d deliveries of %d events", len(one), len(two), some.Count)
	}
	for i := range one {
		if one[i].At != two[i].At || one[i].Kind != two[i].Kind || !bytes.Equal(one[i].body(), two[i].body()) {
			t.Fatalf("delivery %d differs:\n%s\n%s", i, one[i].body(), two[i].body())
		}
	}
	other := some
	other.Seed++
	if three := deliveriesOf(t, other); bytes.Equal(one[0].body(), three[0].body()) {
		t.Error("another seed gives the same event")
	}
}

// Nothing jumps, and what a vehicle says of itself fits together.
func TestLivesAreConsistent(t *testing.T) {
	type state struct {
		charge, odometer, latitude, longitude, energy float64
	}
	last := map[string]state{}
	charged, driven := 0, 0
	for i, e := range happened(t, some) {
		if e.EventType != smartcar.TypeVehicleState {
			continue
		}
		read := func(code string) float64 {
			s, _ := e.Signal(code)
			x, ok := s.Number()
			if !ok {
				return math.NaN()
			}
			return x
		}
		now := state{charge: read("tractionbattery-stateofcharge"), odometer: read("odometer-traveleddistance"), energy: read("charge-energyadded")}
		where, _ := e.Signal("location-preciselocation")
		var p struct{ Latitude, Longitude float64 }
		if json.Unmarshal(where.Body, &p) != nil || math.IsNaN(now.charge+now.odometer) {
			delete(last, e.VehicleID) // an error hides something
			continue
		}
		now.latitude, now.longitude = p.Latitude, p.Longitude
		if now.charge < 5 || now.charge > 100 {
			t.Fatalf("event %d: %v percent", i, now.charge)
		}
		before, known := last[e.VehicleID]
		last[e.VehicleID] = now
		if !known {
			continue
		}
		km := now.odometer - before.odometer
		moved := math.Hypot((now.latitude-before.latitude)*kmPerDegree,
			(now.longitude-before.longitude)*kmPerDegree*cosDegrees(now.latitude))
		if km < 0 || moved > km+0.01 {
			t.Fatalf("event %d: the odometer went %v km on, the place %v km", i, km, moved)
		}
		switch {
		case now.charge > before.charge:
			charged++
			if now.energy == 0 {
				t.Fatalf("event %d: %v percent became %v without energy", i, before.charge, now.charge)
			}
		case now.charge < before.charge:
			driven++
			if km == 0 {
				t.Fatalf("event %d: %v percent became %v without driving", i, before.charge, now.charge)
			}
		}
	}
	if charged < 20 || driven < 20 {
		t.Errorf("%d events show charging and %d driving", charged, driven)
	}
}

// Every error that begins ends, once, before the vehicle's next; what it concerns has no reading meanwhile.
func TestErrorsAreResolved(t *testing.T) {
	open := map[string]smartcar.VehicleError{}
	kinds := map[string]bool{}
	for i, e := range happened(t, some) {
		for _, s := range e.Signals {
			if hidden := slices.Contains(open[e.VehicleID].Signals, s.SignalRef); hidden != (s.Failed() && s.Code != refDTCCount.Code) {
				t.Fatalf("event %d: %s failed %v, open is %+v", i, s.Code, s.Failed(), open[e.VehicleID])
			}
		}
		for _, failure := range e.Errors {
			began, is := open[e.VehicleID]
			if failure.Resolved() != is || is && (began.Type != failure.Type || began.Code != failure.Code) {
				t.Fatalf("event %d: %+v after %+v", i, failure, began)
			}
			if failure.Resolved() {
				delete(open, e.VehicleID)
				continue
			}
			open[e.VehicleID] = failure
			kinds[failure.Type+" "+failure.Code] = true
		}
	}
	if len(open) > 0 {
		t.Errorf("at the end open: %+v", open)
	}
	if len(kinds) != len(faults) {
		t.Errorf("only these kinds of %d: %v", len(faults), kinds)
	}
}

// Also a fleet that ends in the middle of an error ends it.
func TestEveryEndResolves(t *testing.T) {
	for count := range 25 {
		o := some
		o.Count = count + 1
		open := 0
		for _, e := range happened(t, o) {
			for _, failure := range e.Errors {
				if failure.Resolved() {
					open--
				} else {
					open++
				}
			}
		}
		if open != 0 {
			t.Errorf("after %d events %d errors are open", o.Count, open)
		}
	}
}

func TestOnlyWhatIsDocumented(t *testing.T) {
	for i, e := range happened(t, some) {
		for _, s := range e.Signals {
			if !smartcar.KnownSignal(s.Code) {
				t.Fatalf("event %d: signal %s", i, s.Code)
			}
			if s.Error != nil && !smartcar.KnownError(s.Error.Type, s.Error.Code) {
				t.Fatalf("event %d: signal error %+v", i, s.Error)
			}
		}
		for _, failure := range e.Errors {
			if !ofWebhooks(failure.ErrorInfo) {
				t.Fatalf("event %d: error %+v", i, failure)
			}
		}
		if e.Mode != smartcar.ModeTest {
			t.Fatalf("event %d: mode %s", i, e.Mode)
		}
	}
}

func ofWebhooks(info smartcar.ErrorInfo) bool {
	for _, known := range smartcar.ErrorTypes() {
		if known.Type == info.Type {
			return known.Webhook && (info.Code == "" && known.NoCode || slices.Contains(known.WebhookCodes, info.Code))
		}
	}
	return false
}

// A vehicle's first event is a FIRST_DELIVERY; each later state names what has changed, and all of that is new.
func TestTriggers(t *testing.T) {
	last := map[string]map[string]string{}
	for i, e := range happened(t, some) {
		if e.EventType != smartcar.TypeVehicleState {
			continue
		}
		bodies := last[e.VehicleID]
		if e.FirstDelivery() != (bodies == nil) || len(e.Triggers) == 0 {
			t.Fatalf("event %d: triggers %+v", i, e.Triggers)
		}
		if bodies == nil {
			bodies = map[string]string{}
			last[e.VehicleID] = bodies
		}
		for _, s := range e.Signals {
			if e.Changed(s.Code) && bodies[s.Code] == string(s.Body) {
				t.Fatalf("event %d: %s is said to have changed", i, s.Code)
			}
			if !s.Failed() {
				bodies[s.Code] = string(s.Body)
			}
		}
	}
}

func TestDeliveries(t *testing.T) {
	all := deliveriesOf(t, some)
	kinds := map[Kind]int{}
	at := map[int]time.Duration{} // of the first delivery of an event
	next := map[int]int{}         // of an event's vehicle
	lastOf := map[int]int{}
	var previous time.Duration
	for _, d := range slices.SortedFunc(slices.Values(all), func(a, b Delivery) int { return a.Seq - b.Seq }) {
		if before := lastOf[d.Vehicle]; before != d.Seq {
			next[before], lastOf[d.Vehicle] = d.Seq, d.Seq
		}
	}
	ids := map[string]bool{}
	digests := map[int]uint64{}
	for _, d := range all {
		kinds[d.Kind]++
		if d.At < previous {
			t.Fatalf("delivery of event %d at %v comes after one at %v", d.Seq, d.At, previous)
		}
		previous = d.At
		e, err := smartcar.ParseEnvelope(d.body())
		if err != nil || e.EventID != d.ID || ids[e.DeliveryID] {
			t.Fatalf("event %d: %v, id %s, delivery %s", d.Seq, err, e.EventID, e.DeliveryID)
		}
		ids[e.DeliveryID] = true
		usual := time.Duration(float64(d.Seq-1) / some.Rate * float64(time.Second))
		first, again := at[d.Seq]
		if again != (d.Kind == Again) {
			t.Fatalf("event %d: delivery of kind %d, before at %v", d.Seq, d.Kind, first)
		}
		switch d.Kind {
		case Again:
			if digests[d.Seq] != e.Digest || d.At > usual+25*time.Second {
				t.Fatalf("event %d: another content, or %v late", d.Seq, d.At-usual)
			}
		case Late:
			waits := map[int]time.Duration{2: 25 * time.Second, 3: 75 * time.Second, 4: 175 * time.Second}
			if d.At-usual != waits[d.Attempt] {
				t.Fatalf("event %d: attempt %d is %v late", d.Seq, d.Attempt, d.At-usual)
			}
		case Overtaken:
			_, known := at[next[d.Seq]]
			if _, later := lateOf(all, next[d.Seq]); !known && !later {
				t.Fatalf("event %d was not overtaken", d.Seq)
			}
		case OnTime:
			if d.Attempt != 1 {
				t.Fatalf("event %d: attempt %d", d.Seq, d.Attempt)
			}
		}
		if !again {
			at[d.Seq], digests[d.Seq] = d.At, e.Digest
		}
	}
	for _, kind := range []Kind{Again, Late, Overtaken} {
		if n := kinds[kind]; n < some.Count/50 || n > some.Count/5 {
			t.Errorf("%d deliveries of kind %d among %d", n, kind, len(all))
		}
	}
}

// lateOf reports whether an event is late itself, and so overtakes nothing.
func lateOf(all []Delivery, seq int) (Delivery, bool) {
	i := slices.IndexFunc(all, func(d Delivery) bool { return d.Seq == seq && d.Kind == Late })
	if i < 0 {
		return Delivery{}, false
	}
	return all[i], true
}

// Whatever the rate, each event has something to tell.
func TestRates(t *testing.T) {
	for _, rate := range []float64{0.01, 1, MaxRate} {
		o := Options{Vehicles: 2, Rate: rate, Count: 300, Seed: 3, Start: start}
		for i, e := range happened(t, o) {
			if len(e.Triggers)+len(e.Errors) == 0 {
				t.Fatalf("rate %v: event %d has nothing to tell", rate, i)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      Options
		option string
	}{
		{"no vehicle", Options{Rate: 1}, "vehicles"},
		{"too many", Options{Vehicles: MaxVehicles + 1, Rate: 1}, "vehicles"},
		{"no rate", Options{Vehicles: 1}, "rate"},
		{"no number", Options{Vehicles: 1, Rate: math.NaN()}, "rate"},
		{"too fast", Options{Vehicles: 1, Rate: MaxRate + 1}, "rate"},
		{"less than none", Options{Vehicles: 1, Rate: 1, Count: -1}, "count"},
		{"backwards", Options{Vehicles: 1, Rate: 1, ClockFactor: -1}, "clock-factor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewPlan(tt.o)
			if wrong, ok := err.(*OptionsError); !ok || wrong.Option != tt.option { //nolint:errorlint // it is never wrapped
				t.Errorf("%v, want one about %s", err, tt.option)
			}
		})
	}
}
