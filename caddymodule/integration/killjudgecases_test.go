package integration

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The judge of the kill test sees each thing that must not be, and nothing else.
func TestKillJudge(t *testing.T) {
	// Two events of one vehicle, the second sent after the first was acknowledged, and a
	// third that got no answer.
	sent := map[string]*sentEvent{
		"old":   {vehicle: "v", begun: 10, acked: 20, sums: []string{"old 1", "old 2"}},
		"young": {vehicle: "v", begun: 30, acked: 40, sums: []string{"young 1"}},
		"lost":  {vehicle: "w", begun: 10, sums: []string{"lost 1"}},
	}
	began := func(run string) recorded { return recorded{Run: run} }
	did := func(run, what, id string, position uint64, at int64) recorded {
		return recorded{Run: run, Did: what, ID: id, Vehicle: sent[id].vehicle, Position: position, Sum: id + " 1", At: at}
	}
	with := func(l recorded, change func(*recorded)) recorded {
		change(&l)
		return l
	}
	old, young := did("1-1", didFinish, "old", 1, 100), did("1-1", didFinish, "young", 2, 200)
	tests := []struct {
		name    string
		lines   []recorded
		letters map[string]string
		want    judgement // beside the two that were acknowledged
	}{
		{"all is well", []recorded{began("1-1"), old, young}, nil, judgement{}},
		{"a retry's bytes", []recorded{with(old, func(l *recorded) { l.Sum = "old 2" }), young}, nil, judgement{}},
		{"one is missing", []recorded{old}, nil, judgement{lost: 1}},
		{"one only failed", []recorded{old, did("1-1", didFail, "young", 2, 200)}, nil, judgement{lost: 1}},
		{"one was rejected and is no dead letter", []recorded{old, did("1-1", didReject, "young", 2, 200)}, nil, judgement{lost: 1}},
		{"one is a dead letter", []recorded{old}, map[string]string{"young": "young 1"}, judgement{}},
		{"a dead letter with other bytes", []recorded{old}, map[string]string{"young": "yuong 1"}, judgement{altered: 1}},
		{"an event that failed came again", []recorded{did("1-1", didFail, "old", 1, 50), old, young}, nil, judgement{}},
		{"the young one first", []recorded{young, old}, nil, judgement{disordered: 1}},
		{"the young one came while the old one had failed", []recorded{
			did("1-1", didFail, "old", 1, 50), did("1-1", didFail, "young", 2, 60), old, young,
		}, nil, judgement{disordered: 1}},
		{"the old one again after the young one", []recorded{
			began("1-1"), old, young, began("2-2"), did("2-2", didFinish, "old", 1, 300),
		}, nil, judgement{repeated: 1, byOne: 1}},
		{"without an answer, and handled", []recorded{old, young, did("1-1", didFinish, "lost", 3, 300)}, nil, judgement{}},
		{"other bytes", []recorded{old, with(young, func(l *recorded) { l.Sum = "old 1" })}, nil, judgement{altered: 1}},
		{"another vehicle", []recorded{old, with(young, func(l *recorded) { l.Vehicle = "w" })}, nil, judgement{altered: 1}},
		{"never sent", []recorded{old, young, with(young, func(l *recorded) { l.ID = "who" })}, nil, judgement{unknown: 1}},
		{"a dead letter that was never sent", []recorded{old, young}, map[string]string{"who": "who 1"}, judgement{unknown: 1}},
		{"twice by one process", []recorded{old, young, with(young, func(l *recorded) { l.At = 300 })}, nil, judgement{causeless: 1}},
		{"stored twice", []recorded{
			began("1-1"), old, young, began("2-2"), did("2-2", didFinish, "young", 3, 300),
		}, nil, judgement{twice: 1, repeated: 1, byOne: 1}},
		{"more than could be in flight", []recorded{
			began("1-1"), old, young, began("2-2"), did("2-2", didFinish, "old", 1, 300), did("2-2", didFinish, "young", 2, 300),
		}, nil, judgement{repeated: 2, byOne: 2, causeless: 1}},
		{"as many, of which one was not on disk yet", []recorded{
			began("1-1"), old, with(young, func(l *recorded) { l.At = 260 }), began("2-2"),
			did("2-2", didFinish, "old", 1, 300), did("2-2", didFinish, "young", 2, 300),
		}, nil, judgement{repeated: 2, byOne: 2}},
		{"the killed one writes after its successor", []recorded{
			began("1-1"), began("2-2"), did("2-2", didFinish, "old", 1, 300), old, did("2-2", didFinish, "young", 2, 300),
		}, nil, judgement{repeated: 1, byOne: 1}},
		{"again after a stop in good order", []recorded{
			began("2-2"), did("2-2", didFinish, "old", 1, 300), young, began("3-3"), did("3-3", didFinish, "old", 1, 400),
		}, nil, judgement{repeated: 1, byOne: 1, causeless: 1}},
	}
	// The first process could have one event in flight, and any number from 250 on.
	inFlight := func(run string) (int, time.Time) {
		if run == "1-1" {
			return 1, time.Unix(0, 250)
		}
		return 0, time.Unix(0, 1000)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.acked = 2
			got := judgeRecord(sent, tt.lines, tt.letters, inFlight)
			if diff := cmp.Diff(&tt.want, got, cmp.AllowUnexported(judgement{}), cmpopts.IgnoreFields(judgement{}, "first")); diff != "" {
				t.Errorf("(-want +got)\n%s\n%q", diff, got.first)
			}
			if wrong := !got.ok(); wrong != (len(got.first) > 0) {
				t.Errorf("ok is %t, and it says %q", !wrong, got.first)
			}
		})
	}
}
