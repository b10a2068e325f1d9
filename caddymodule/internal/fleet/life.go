package fleet

import (
	"math"
	"math/rand/v2"
	"time"
)

// phase is what a vehicle does now.
type phase int

const (
	parked phase = iota
	driving
	charging
)

// Where vehicles are at home, in degrees, and how far from it they go, in kilometres.
const (
	homeLatitude, homeLongitude = 57.70, 11.97
	homeSpread                  = 8
	farFromHome                 = 25
)

const (
	kmPerDegree = 111.2 // of latitude
	kWhPerKm    = 0.17
	// lowCharge sends a vehicle to a charger, fullCharge lets it leave; shares of the battery.
	lowCharge, fullCharge = 0.15, 0.9
)

// step is the longest time over which speed and direction stay as they are.
const step = 30 * time.Second

// life is the state of one vehicle's drive, battery and place. Nothing in it jumps.
type life struct {
	r     *rand.Rand
	phase phase
	left  time.Duration // of the phase

	capacity, energy    float64 // kWh
	added, power        float64 // kWh since the cable was connected; kW
	odometer            float64 // km
	latitude, longitude float64
	heading, speed      float64 // degrees, 0 is north; km/h
}

func newLife(r *rand.Rand, capacity float64) *life {
	l := &life{r: r, capacity: capacity, odometer: 2_000 + 90_000*r.Float64()}
	l.energy = capacity * (0.35 + 0.5*r.Float64())
	l.latitude = homeLatitude + homeSpread*(2*r.Float64()-1)/kmPerDegree
	l.longitude = homeLongitude + homeSpread*(2*r.Float64()-1)/kmPerDegree/cosDegrees(homeLatitude)
	l.heading = 360 * r.Float64()
	l.begin(phase(r.IntN(3)))
	return l
}

// begin starts a phase.
func (l *life) begin(p phase) {
	l.phase, l.speed, l.power = p, 0, 0
	switch p {
	case parked:
		l.left = l.between(2*time.Minute, 20*time.Minute)
	case driving:
		l.speed = 30 + 60*l.r.Float64()
		l.left = l.between(5*time.Minute, 40*time.Minute)
	case charging:
		l.added = 0
		l.power = [...]float64{7.4, 11, 50, 120}[l.r.IntN(4)]
		l.left = l.between(20*time.Minute, 90*time.Minute)
	}
}

func (l *life) between(least, most time.Duration) time.Duration {
	return least + time.Duration(l.r.Float64()*float64(most-least))
}

// charge is how full the battery is, 0 to 1.
func (l *life) charge() float64 { return l.energy / l.capacity }

// advance lets the vehicle live on.
func (l *life) advance(d time.Duration) {
	for d > 0 {
		now := min(d, step, l.left)
		l.live(now.Hours())
		d -= now
		l.left -= now
		if l.over() {
			l.begin(l.following())
		}
	}
}

func (l *life) over() bool {
	switch {
	case l.left <= 0:
		return true
	case l.phase == driving:
		return l.charge() <= lowCharge
	case l.phase == charging:
		return l.charge() >= fullCharge
	}
	return false
}

// following is what a vehicle does next: it charges before the battery is empty, and parks between two trips.
func (l *life) following() phase {
	switch {
	case l.charge() <= 2*lowCharge && l.phase != charging:
		return charging
	case l.phase != parked:
		return parked
	case l.charge() < fullCharge-0.2 && l.r.IntN(3) == 0:
		return charging
	}
	return driving
}

// live is advance within one step of a phase.
func (l *life) live(hours float64) {
	switch l.phase {
	case driving:
		l.steer()
		l.speed = min(max(l.speed+10*(l.r.Float64()-0.5), 20), 110)
		km := l.speed * hours
		l.odometer += km
		l.energy -= km * kWhPerKm
		north, east := km*cosDegrees(l.heading), km*math.Sin(l.heading*math.Pi/180)
		l.latitude += north / kmPerDegree
		l.longitude += east / kmPerDegree / cosDegrees(l.latitude)
	case charging:
		kWh := min(l.power*hours, l.capacity-l.energy)
		l.energy += kWh
		l.added += kWh
	}
}

// steer bends the way a little, and towards home where that is far.
func (l *life) steer() {
	l.heading = math.Mod(l.heading+30*(l.r.Float64()-0.5)+360, 360)
	north := (homeLatitude - l.latitude) * kmPerDegree
	east := (homeLongitude - l.longitude) * kmPerDegree * cosDegrees(l.latitude)
	if math.Hypot(north, east) > farFromHome {
		l.heading = math.Mod(math.Atan2(east, north)*180/math.Pi+360, 360)
	}
}

func cosDegrees(x float64) float64 { return math.Cos(x * math.Pi / 180) }
