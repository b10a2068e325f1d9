package vehicles

import (
	"bytes"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Bounds on what is noted and not written away yet: some 10 MiB.
const (
	// mostChanged bounds the vehicles.
	mostChanged = 50_000
	// mostBodies bounds the bytes of VEHICLE_ERRORs, and longestBody one of them; a longer one is read from the buffer.
	mostBodies  = 1 << 20
	longestBody = 64 << 10
)

// notes are what was noted and not written away yet. Nothing here waits for anything.
type notes struct {
	mu    sync.Mutex
	marks marks
	noted
	spare noted // to be used anew
	// wake is filled when half of the room is taken.
	wake chan struct{}
}

// noted is what came between two writes.
type noted struct {
	index   map[string]int32 // by key
	changed []heard
	bodies  []errorBody
	bytes   int
}

// errorBody is a VEHICLE_ERROR that has to be parsed.
type errorBody struct {
	source string
	key    string // "" for no vehicle
	moment moment
	body   []byte
}

func (n *noted) reset() {
	clear(n.index)
	n.changed, n.bytes = n.changed[:0], 0
	clear(n.bodies)
	n.bodies = n.bodies[:0]
}

// heardOf is what an event says of its vehicle.
func heardOf(e *buffer.Event, class class) heard {
	at := e.ReceivedAt.UnixMilli()
	h := heard{}
	h.last[class] = at
	if class == classState {
		h.reading = newestReading(e.Body, at+apart.Milliseconds())
	}
	return h
}

// add notes an event, unless there is no room for it or its position is known.
func (n *notes) add(position uint64, e *buffer.Event) {
	if e.Unreadable != "" {
		n.pass(position)
		return
	}
	var room [1 + maxSource + 2 + maxID]byte
	key, ok := appendKey(room[:0], e.Source, e.VehicleID)
	if !ok {
		key = nil
	}
	class := classOf(e.Type)
	var h heard
	if ok {
		h = heardOf(e, class)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.marks.takes(position) || ok && !n.addHeard(key, &h) || class == classError && !n.addBody(key, position, e) {
		return // it is read from the buffer
	}
	n.marks.set(position)
	if len(n.changed) >= mostChanged/2 || n.bytes >= mostBodies/2 {
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

// pass notes that there is nothing to note.
func (n *notes) pass(position uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.marks.takes(position) {
		n.marks.set(position)
	}
}

func (n *noted) addHeard(key []byte, h *heard) bool {
	if i, ok := n.index[string(key)]; ok {
		n.changed[i].merge(h)
		return true
	}
	if len(n.changed) == mostChanged {
		return false
	}
	if n.index == nil {
		n.index = make(map[string]int32)
	}
	n.index[string(key)] = int32(len(n.changed))
	n.changed = append(n.changed, *h)
	return true
}

func (n *noted) addBody(key []byte, position uint64, e *buffer.Event) bool {
	if len(e.Body) > longestBody || n.bytes+len(e.Body) > mostBodies {
		return false
	}
	n.bytes += len(e.Body)
	n.bodies = append(n.bodies, errorBody{
		source: e.Source, key: string(key), moment: moment{e.ReceivedAt.UnixMilli(), position}, body: bytes.Clone(e.Body),
	})
	return true
}

// onlyCount takes a VEHICLE_ERROR for its count alone, where no vehicles are kept.
func (n *notes) onlyCount(e *buffer.Event) {
	if e.Type != smartcar.TypeVehicleError || e.Unreadable != "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addBody(nil, 0, e)
}

// take returns what was noted, to be given back, and the position up to which all was noted before.
func (n *notes) take() (taken noted, low uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken = n.noted
	n.noted, n.spare = n.spare, noted{}
	return taken, n.marks.low
}

// giveBack lets the memory be used anew.
func (n *notes) giveBack(taken noted) {
	taken.reset()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spare = taken
}

// gap returns positions up to one that were not noted.
func (n *notes) gap(upTo, most uint64) (span, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.marks.gap(upTo, most)
}

// isNoted reports whether a position of a gap was noted meanwhile.
func (n *notes) isNoted(position uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.marks.takes(position)
}

// fill notes that all of a gap is noted.
func (n *notes) fill(s span) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := s.first; p <= s.last; p++ {
		if n.marks.takes(p) {
			n.marks.set(p)
		}
	}
}

// lowest is up to where all is noted.
func (n *notes) lowest() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.marks.low
}

// startAt has all up to a position noted.
func (n *notes) startAt(position uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.marks.startAt(position)
}
