// Package conformance holds a program to the protocol of the plugin stdio, as PROTOCOL.md describes it:
//
//	go test ./plugins/stdio/conformance -program "python3 /srv/handler.py" -settings '{"limit":30}'
//
// A program may answer the events, which are invented, as it likes; what is checked is how it answers.
package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Subject is the program to test.
type Subject struct {
	// Command is the program and its arguments.
	Command []string
	// Dir is its working folder; "": that of the test.
	Dir string
	// Settings are what the first line has, a JSON object; "": {}.
	Settings string
}

// Run runs a program against all cases of the protocol: most of them with one process, since some programs take long to
// start.
func Run(t *testing.T, s Subject) {
	first, err := s.firstLine()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, s)
	for _, c := range cases(first) {
		ok := t.Run(c.name, func(t *testing.T) {
			p.t = t
			c.play(p)
		})
		p.t = t
		if !ok {
			return // what comes now would only follow from that
		}
	}
	t.Run("ends with its stdin", func(t *testing.T) {
		p.t = t
		p.end()
	})
	t.Run("finishes what it has when its stdin ends", func(t *testing.T) {
		p := start(t, s)
		p.send(first)
		p.send(batch(1, state("1", "")))
		p.send(batch(2, state("2", "")))
		p.closeStdin()
		p.answer(0, 0)
		p.answer(1, 1, 2)
		p.end()
	})
}

// testCase is one rule of the protocol, played with a program that has answered its first line.
type testCase struct {
	name string
	play func(p *program)
}

// firstLine has a field that no version of the protocol has.
func (s Subject) firstLine() (string, error) {
	var settings map[string]any
	if err := json.Unmarshal([]byte(cmp.Or(s.Settings, "{}")), &settings); err != nil || settings == nil {
		return "", fmt.Errorf("the settings are not a JSON object such as {\"limit\":30}: %s", s.Settings)
	}
	compact, err := json.Marshal(settings)
	return `{"smartcar_stdio":1,"id":0,"handler":"conformance","settings":` + string(compact) +
		`,"events":[],"later":{"a":[1]}}`, err
}

func cases(first string) []testCase {
	one := func(events ...string) func(p *program) {
		return func(p *program) { p.answer(len(events), p.give(events...)) }
	}
	return []testCase{
		{"the first line", func(p *program) {
			p.send(first)
			p.answer(0, 0)
		}},
		{"a state", one(state("1", ""))},
		{"an error of a vehicle", one(event("2", "VEHICLE_ERROR", `"payload":`+string(sample("2").VehicleError())))},
		{"a type that does not exist yet", one(event("3", "VEHICLE_SOLD", `"payload":{"eventId":"3"}`))},
		{"a body that is not JSON", one(event("4", "VEHICLE_STATE", `"payload_base64":"//4A"`))},
		{"a payload of another form", one(event("5", "VEHICLE_STATE", `"payload":[null,"x"]`))},
		{"unknown fields", one(state("6", `"later":{"a":1},`))},
		{"a replay with stale signals", one(state("7", `"replay":true,"stale_signals":["odometer-traveleddistance"],`))},
		{"text of all kinds", one(state("\\u0000\\\"é車\\ud83d\\ude97", ""))},
		{"a large event", one(event("8", "VEHICLE_STATE", `"payload":`+string(large().VehicleState())))},
		{"an empty batch", one()},
		{"several events of a vehicle", one(state("9", ""), state("10", ""), state("11", ""))},
		{"an event again", func(p *program) {
			p.answer(1, p.give(state("12", "")))
			p.answer(1, p.give(state("12", "")))
		}},
		{"many batches at once", func(p *program) {
			var ids []int
			for n := range 50 {
				ids = append(ids, p.give(state(fmt.Sprint(n), "")))
			}
			p.answer(1, ids...)
		}},
	}
}

func sample(id string) smartcar.Sample { return smartcar.Sample{EventID: id, VehicleID: "vehicle"} }

func large() smartcar.Sample {
	s := sample("8")
	s.Size = 1 << 20
	return s
}

func state(id, more string) string {
	return event(id, "VEHICLE_STATE", more+`"payload":`+string(sample("x").VehicleState()))
}

// event is an event whose id, and more of it, is JSON already.
func event(id, kind, more string) string {
	return fmt.Sprintf(`{"event_id":"%s","event_type":"%s","mode":"TEST","source":"conformance","vehicle_id":"vehicle",`+
		`"user_id":"user","webhook_id":"webhook","received_at":"2026-01-02T03:04:05.000000678Z","attempt":1,"position":1,`+
		`"signature":"","content_type":"application/json",%s}`, id, kind, more)
}

func batch(id int, events ...string) string {
	return fmt.Sprintf(`{"id":%d,"events":[%s],"later":null}`, id, strings.Join(events, ","))
}

// results are what a program may say of an event.
var results = []string{"done", "retry", "reject", "unavailable"}

func isResult(word string) bool { return slices.Contains(results, word) }
