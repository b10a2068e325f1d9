package fleet

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/simulator"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Shares of the events that are delivered otherwise than once and at once.
const (
	againShare     = 0.08
	lateShare      = 0.05
	overtakenShare = 0.06
)

// recording is how long before an event is sent the maker recorded it.
const recording = 2 * time.Second

// overtaking is how long after the vehicle's next event one is sent that was overtaken.
const overtaking = 200 * time.Millisecond

// crossing is the longest time between two deliveries that crossed each other on their way.
const crossing = 2 * time.Second

// streams of random numbers, each of its own, beside those of the vehicles.
const (
	streamTurns uint64 = 1<<32 + iota
	streamIDs
	streamRetries
)

// Plan gives the deliveries of a fleet, in their order. It makes them as they are asked for.
type Plan struct {
	o        Options
	r        *rand.Rand
	ids      ids
	vehicles []*vehicle
	webhook  string

	seq     int // of the last event
	planned deliveries
	held    map[*vehicle]Delivery // until the vehicle's next event
}

// NewPlan makes the fleet. The error is an *OptionsError.
func NewPlan(o Options) (*Plan, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	p := &Plan{
		o: o, held: map[*vehicle]Delivery{},
		r:   rand.New(rand.NewPCG(o.Seed, streamTurns)),
		ids: newIDs(o.Seed, streamIDs),
	}
	p.webhook = p.ids.next()
	for i := range o.Vehicles {
		p.vehicles = append(p.vehicles, newVehicle(i+1, o.Seed, p.ids.next(), p.ids.next()))
	}
	return p, nil
}

// Next returns the next delivery, or false at the end of a plan that has one.
func (p *Plan) Next() (Delivery, bool) {
	for {
		at, more := p.at(p.seq), p.more()
		if len(p.planned) > 0 && (!more || p.planned[0].At <= at) {
			return heap.Pop(&p.planned).(Delivery), true
		}
		if !more {
			return Delivery{}, false
		}
		p.plan(p.turnOf(), at)
		if !p.more() {
			p.release(at)
		}
	}
}

// at is when an event happens, by how many there were before it.
func (p *Plan) at(before int) time.Duration {
	return time.Duration(float64(before) / p.o.Rate * float64(time.Second))
}

// more reports whether there is another event.
func (p *Plan) more() bool {
	if p.o.Count == 0 || p.seq < p.o.Count {
		return true
	}
	return p.faulty() != nil
}

// faulty returns a vehicle with an open error.
func (p *Plan) faulty() *vehicle {
	for _, v := range p.vehicles {
		if v.fault != nil {
			return v
		}
	}
	return nil
}

// turnOf says whose event is next: all have their first in turn, and a plan that ends ends what has begun.
func (p *Plan) turnOf() *vehicle {
	switch {
	case p.o.Count > 0 && p.seq >= p.o.Count:
		v := p.faulty()
		v.turns = 0
		return v
	case p.seq < len(p.vehicles):
		return p.vehicles[p.seq]
	}
	return p.vehicles[p.r.IntN(len(p.vehicles))]
}

// plan makes a vehicle's next event and its deliveries.
func (p *Plan) plan(v *vehicle, at time.Duration) {
	p.seq++
	e := &Event{Seq: p.seq, ID: p.ids.next(), VehicleID: v.id, Vehicle: v.number, recorded: p.o.Start.Add(at - recording)}
	e.sample = smartcar.Sample{
		EventID: e.ID, VehicleID: v.id, UserID: v.user, WebhookID: p.webhook, Vehicle: v.about,
	}
	v.turn(e, at)

	// The one before, if it was held back, comes right after this one.
	before, overtaken := p.held[v]
	delete(p.held, v)
	first := Delivery{Event: e, At: at, Kind: OnTime, Attempt: 1}
	switch x := p.r.Float64(); {
	case x < againShare:
		p.add(first)
		p.add(p.again(first))
	case x < againShare+lateShare:
		p.add(p.late(first))
	case x < againShare+lateShare+overtakenShare && !overtaken:
		p.held[v] = first
	default:
		p.add(first)
	}
	if overtaken {
		before.Kind, before.At = Overtaken, at+overtaking
		p.add(before)
	}
}

// release sends what is still held back at the end.
func (p *Plan) release(at time.Duration) {
	for _, v := range p.vehicles {
		if d, ok := p.held[v]; ok {
			d.At = at
			p.add(d)
		}
	}
	clear(p.held)
}

// again is the delivery after one whose answer got lost, or that crossed another on its way.
func (p *Plan) again(d Delivery) Delivery {
	d.Kind = Again
	if p.r.IntN(2) == 0 {
		d.At += p.o.wait(time.Duration(p.r.Int64N(int64(crossing))))
		return d
	}
	d.At += p.o.wait(simulator.Wait(1))
	d.Attempt = 2
	return d
}

// late is an attempt after one to three that got lost. The last comes 175 s after the first.
func (p *Plan) late(d Delivery) Delivery {
	d.Kind = Late
	for {
		d.At += p.o.wait(simulator.Wait(d.Attempt))
		d.Attempt++
		if d.Attempt == simulator.MaxAttempts || p.r.IntN(10) < 7 {
			return d
		}
	}
}

func (p *Plan) add(d Delivery) {
	d.id = p.ids.next()
	heap.Push(&p.planned, d)
}

// ids makes UUIDs.
type ids struct{ r *rand.Rand }

func newIDs(seed, stream uint64) ids { return ids{rand.New(rand.NewPCG(seed, stream))} }

func (i ids) next() string {
	var u [16]byte
	for at := range u {
		u[at] = byte(i.r.Uint32())
	}
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // variant
	return uuid.UUID(u).String()
}

// deliveries is a heap, the one that is due first at its top, of equal ones that of the earlier event.
type deliveries []Delivery

func (d deliveries) Len() int { return len(d) }
func (d deliveries) Less(i, j int) bool {
	if d[i].At != d[j].At {
		return d[i].At < d[j].At
	}
	if d[i].Seq != d[j].Seq {
		return d[i].Seq < d[j].Seq
	}
	return d[i].Kind < d[j].Kind
}
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)   { *d = append(*d, x.(Delivery)) }

func (d *deliveries) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}
