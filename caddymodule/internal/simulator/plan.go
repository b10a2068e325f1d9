package simulator

import (
	"cmp"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// delivery is one event on its way to the receiver, for the first or another time.
type delivery struct {
	seq        int // of the event, from 1
	eventID    string
	eventType  string
	vehicleID  string
	userID     string
	recordedAt time.Time
	challenge  string // of a VERIFY
	forged     bool
	duplicate  bool
	attempt    int // 1 is the first
}

// plan says which deliveries are made, in their order. It makes them as they are
// asked for, since there may be millions.
type plan struct {
	o      Options
	body   smartcar.Envelope // of the Options' Body
	ids    ids
	choice *rand.Rand

	seq    int       // of the last event
	second *delivery // the duplicate that follows it
	// What is left to choose.
	forged, duplicates int
}

func newPlan(o Options) *plan {
	p := &plan{o: o, ids: ids{seed: o.Seed}, choice: rand.New(rand.NewPCG(o.Seed, 0))}
	if o.Body != nil {
		p.body, _ = smartcar.ParseEnvelope(o.Body) // what cannot be read is sent all the same
	}
	p.forged = int(math.Round(o.Forge * float64(o.Count)))
	p.duplicates = int(math.Round(o.Duplicates * float64(o.Count-p.forged)))
	return p
}

// next returns the next delivery, or false at the end.
func (p *plan) next() (delivery, bool) {
	if d := p.second; d != nil {
		p.second = nil
		return *d, true
	}
	if p.seq == p.o.Count {
		return delivery{}, false
	}
	left := p.o.Count - p.seq
	p.seq++
	d := p.event()
	// Chosen at random, and yet exactly as many as were asked for.
	genuine := left - p.forged
	if p.choice.IntN(left) < p.forged {
		p.forged--
		d.forged = true
		if d.challenge != "" {
			d.challenge = p.oracle(d)
		}
		return d, true
	}
	if p.choice.IntN(genuine) < p.duplicates {
		p.duplicates--
		again := d
		again.duplicate = true
		p.second = &again
	}
	return d, true
}

func (p *plan) event() delivery {
	d := delivery{seq: p.seq, attempt: 1, recordedAt: time.Now().Add(-9 * time.Second)}
	switch {
	case p.o.Body != nil:
		d.eventID, d.eventType = p.body.EventID, p.body.EventType
		d.vehicleID, d.challenge = p.body.VehicleID, p.body.Challenge
		return d
	case p.o.Type == TypeVerifyV2:
		d.eventType = "verify"
		d.challenge = p.challenge()
		return d
	case p.o.Type == TypeVerify:
		d.eventType = smartcar.TypeVerify
		d.challenge = p.challenge()
	default:
		d.eventType = smartcar.TypeVehicleState
		if p.o.Type == TypeError || p.o.Type == TypeResolved {
			d.eventType = smartcar.TypeVehicleError
		}
		d.vehicleID = cmp.Or(p.o.VehicleID, p.ids.id(idVehicle, (p.seq-1)%p.o.Vehicles, 0))
		d.userID = p.ids.id(idUser, (p.seq-1)%p.o.Vehicles, 0)
	}
	d.eventID = p.ids.id(idEvent, p.seq, 0)
	return d
}

// challenge returns 16 letters and digits, as Smartcar's.
func (p *plan) challenge() string {
	return strings.ReplaceAll(p.ids.id(idChallenge, p.seq, 0), "-", "")[:16]
}

// oracle returns a challenge that no receiver may answer: the body of an event.
func (p *plan) oracle(d delivery) string {
	return string(smartcar.Sample{EventID: p.ids.id(idEvent, d.seq, 1)}.VehicleState())
}

// ids makes UUIDs that depend on nothing but the seed and what they are for, so
// that they are the same however requests overtake one another.
type ids struct{ seed uint64 }

type idKind uint64

const (
	idEvent idKind = iota + 1
	idVehicle
	idUser
	idWebhook
	idDelivery
	idChallenge
)

func (i ids) id(kind idKind, n, m int) string {
	r := rand.NewPCG(i.seed, uint64(kind)<<56|uint64(m)<<48|uint64(n))
	var u [16]byte
	for at := 0; at < len(u); at += 8 {
		x := r.Uint64()
		for b := range 8 {
			u[at+b] = byte(x >> (8 * b))
		}
	}
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // variant
	var text [36]byte
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
