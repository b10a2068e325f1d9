package fleet

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// pace is how much faster than ours the vehicles' time goes: a second is a minute of driving, so that a trip with its
// charging fits into some minutes of watching.
const pace = 60

// How many turns of a vehicle an error lasts, and how likely each of its turns begins one.
const (
	leastTurns, mostTurns = 2, 5
	faultShare            = 0.1
)

// vehicle is one of the fleet.
type vehicle struct {
	number   int // from 1
	name     string
	id, user string
	about    smartcar.Vehicle
	life     *life
	r        *rand.Rand

	lived    time.Duration // since the start, on our clock
	heard    bool          // whether it has had an event
	readings []reading
	fault    *fault // the open one
	turns    int    // until the fault ends
}

// models are what vehicles may be, with the capacities of their batteries in kWh.
var models = []struct {
	about    smartcar.Vehicle
	capacity float64
}{
	{smartcar.Vehicle{Make: "VOLVO", Model: "EX30", Year: 2025}, 64},
	{smartcar.Vehicle{Make: "KIA", Model: "EV6", Year: 2024}, 74},
	{smartcar.Vehicle{Make: "VOLKSWAGEN", Model: "ID.4", Year: 2023}, 77},
	{smartcar.Vehicle{Make: "FORD", Model: "E-Transit", Year: 2024}, 68},
}

func newVehicle(number int, seed uint64, id, user string) *vehicle {
	m := models[(number-1)%len(models)]
	m.about.Mode, m.about.PowertrainType = "test", "BEV"
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	return &vehicle{
		number: number, name: fmt.Sprintf("Van %d", number), id: id, user: user,
		about: m.about, r: r, life: newLife(r, m.capacity),
	}
}

// turn makes the vehicle's next event: what has happened since the last. An idle vehicle has nothing to tell, so its time
// goes on until it has.
func (v *vehicle) turn(e *Event, at time.Duration) {
	v.life.advance(pace * (at - v.lived))
	v.lived = at
	switch {
	case !v.heard:
		v.heard = true
		v.read(e.recorded)
		v.state(e, []smartcar.Trigger{{Type: smartcar.TriggerFirstDelivery}})
		return
	case v.fault != nil && v.turns == 0:
		v.resolve(e)
		return
	case v.fault != nil:
		v.turns--
	case v.r.Float64() < faultShare:
		v.fault = faults[v.r.IntN(len(faults))]
		v.turns = leastTurns + v.r.IntN(mostTurns-leastTurns+1)
		e.errors = []smartcar.VehicleError{v.fault.begun()}
		return
	}
	changed := v.readable(v.read(e.recorded))
	for len(changed) == 0 {
		v.life.advance(step)
		changed = v.readable(v.read(e.recorded))
	}
	triggers := make([]smartcar.Trigger, 0, len(changed))
	for _, ref := range changed {
		triggers = append(triggers, smartcar.Trigger{Type: smartcar.TriggerSignalUpdated, Signal: ref})
	}
	v.state(e, triggers)
}

// readable leaves out what an open error hides.
func (v *vehicle) readable(refs []smartcar.SignalRef) (out []smartcar.SignalRef) {
	for _, ref := range refs {
		if !v.fault.concerns(ref) {
			out = append(out, ref)
		}
	}
	return out
}

func (v *vehicle) state(e *Event, triggers []smartcar.Trigger) {
	e.signals, e.triggers = v.signals(e.recorded), triggers
}

// resolve ends the open fault.
func (v *vehicle) resolve(e *Event) {
	e.errors = []smartcar.VehicleError{v.fault.resolved()}
	v.fault = nil
}
