package integration

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// judgement is what became of the acknowledged events.
type judgement struct {
	acked int
	// lost were acknowledged, and are neither handled nor dead letters.
	lost int
	// altered came with other bytes, or another signature, than were sent.
	altered int
	// disordered were handled for the first time after a younger event of the vehicle.
	disordered int
	// twice were stored a second time: they have more than one position.
	twice int
	// unknown were never sent.
	unknown int
	// repeated were handled again by a later process of the plugin; byOne is the most
	// that one process had handled before.
	repeated, byOne int
	// causeless were handled again and were not in flight when something was killed.
	causeless int

	first []string // the first few of what is wrong, in words
}

func (j *judgement) String() string {
	return fmt.Sprintf("%d events acknowledged, %d lost, %d out of order, %d altered, %d stored twice, %d never sent, %d repeated (at most %d by one kill), %d of them without need",
		j.acked, j.lost, j.disordered, j.altered, j.twice, j.unknown, j.repeated, j.byOne, j.causeless)
}

func (j *judgement) ok() bool {
	return j.lost+j.disordered+j.altered+j.twice+j.unknown+j.causeless == 0
}

func (j *judgement) tell(count *int, format string, args ...any) {
	*count++
	if len(j.first) < 20 {
		j.first = append(j.first, fmt.Sprintf(format, args...))
	}
}

// judge holds the handler's record and the dead letters, of each the sum of its bytes,
// against what was sent. It reads the record line by line, as it was written.
type judge struct {
	judgement
	sent map[string]*sentEvent
	seen map[string]*handledEvent
	// begun numbers the plugin's processes in the order in which they began.
	begun map[string]int
	// youngest says of each vehicle when the youngest event that came was first sent.
	youngest map[string]time.Duration
	// repeats are the lines of each process for events that came again later.
	repeats map[string][]recorded
}

type handledEvent struct {
	position uint64
	done     bool
	last     *recorded // how it was handled last; nil when it only failed
}

func judgeRecord(sent map[string]*sentEvent, lines []recorded, letters map[string]string, inFlight func(run string) (most int, since time.Time)) *judgement {
	j := &judge{
		sent: sent, seen: make(map[string]*handledEvent, len(sent)), begun: map[string]int{},
		youngest: map[string]time.Duration{}, repeats: map[string][]recorded{},
	}
	for _, l := range lines {
		j.line(l)
	}
	for _, run := range slices.Sorted(maps.Keys(j.repeats)) {
		j.runOver(run, inFlight)
	}
	for id, sum := range letters {
		switch event := sent[id]; {
		case event == nil:
			j.tell(&j.unknown, "event %s is a dead letter and was never sent", id)
		case !slices.Contains(event.sums, sum):
			j.tell(&j.altered, "event %s is a dead letter with other bytes than were sent", id)
		}
	}
	for id, event := range sent {
		if event.acked == 0 {
			continue
		}
		j.acked++
		_, dead := letters[id]
		if e := j.seen[id]; (e == nil || !e.done) && !dead {
			j.tell(&j.lost, "event %s, acknowledged at %v by Caddy number %d, is lost", id, event.acked, event.life)
		}
	}
	return &j.judgement
}

func (j *judge) line(l recorded) {
	if l.Did == "" {
		j.begun[l.Run] = len(j.begun)
		return
	}
	event := j.sent[l.ID]
	if event == nil {
		j.tell(&j.unknown, "event %s was handled by %s and never sent", l.ID, l.Run)
		return
	}
	if !slices.Contains(event.sums, l.Sum) || event.vehicle != l.Vehicle {
		j.tell(&j.altered, "event %s came to %s with other bytes than were sent", l.ID, l.Run)
	}
	e := j.seen[l.ID]
	if e == nil {
		e = &handledEvent{position: l.Position}
		j.seen[l.ID] = e
	}
	if e.position != l.Position {
		j.tell(&j.twice, "event %s came from position %d, and to %s from %d", l.ID, e.position, l.Run, l.Position)
	}
	j.order(l, e, event)
	if l.Did == didFail {
		return
	}
	if e.last != nil {
		j.again(l, e)
	}
	e.last = &l
	e.done = e.done || l.Did == didFinish
}

// order: one event is older than another of its vehicle when it was acknowledged before
// the other was sent for the first time. Until the older one is handled, the younger one may
// not even come.
func (j *judge) order(l recorded, e *handledEvent, event *sentEvent) {
	young := j.youngest[l.Vehicle]
	if e.last == nil && l.Did != didFail && event.acked > 0 && event.acked < young {
		j.tell(&j.disordered, "event %s, acknowledged at %v by Caddy number %d, came to %s after one of the same vehicle that was sent at %v",
			l.ID, event.acked, event.life, l.Run, young)
	}
	j.youngest[l.Vehicle] = max(young, event.begun)
}

// again notes that an event was handled before.
func (j *judge) again(l recorded, e *handledEvent) {
	if e.last.Run == l.Run {
		j.tell(&j.causeless, "event %s was handled twice by %s", l.ID, l.Run)
		return
	}
	j.repeated++
	// What is left of a killed Caddy's plugin may write after its successor has begun.
	before := slices.MinFunc([]recorded{*e.last, l}, func(a, b recorded) int { return cmp.Compare(j.begun[a.Run], j.begun[b.Run]) })
	j.repeats[before.Run] = append(j.repeats[before.Run], before)
}

// runOver checks that what came again of one process was in flight when it, or its host,
// was killed.
func (j *judge) runOver(run string, inFlight func(run string) (int, time.Time)) {
	most, since := inFlight(run)
	again := j.repeats[run]
	j.byOne = max(j.byOne, len(again))
	var before []time.Duration
	for _, l := range again {
		if d := since.Sub(time.Unix(0, l.At)); d > 0 {
			before = append(before, d)
		}
	}
	if len(before) > most {
		j.tell(&j.causeless, "%d events of %s came again; of those that it handled up to %v before all was on disk, %d, at most %d could be in flight",
			len(again), run, slices.Max(before), len(before), most)
		j.causeless += len(before) - most - 1
	}
}
