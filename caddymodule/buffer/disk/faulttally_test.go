package disk

import (
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// faultTally counts what became of the histories, by kind of fault.
type faultTally struct {
	report    *report.Report
	histories int
	outcomes  map[string]map[string]int
	acked     int
	calls     int64
	slowest   time.Duration
}

func newFaultTally(n int) *faultTally {
	return &faultTally{
		report: report.New("disk-faults", fmt.Sprintf("make faults SEEDS=%d", n)), histories: n, outcomes: map[string]map[string]int{},
	}
}

func (f *faultTally) add(h *history) {
	if f.outcomes[h.plan.name] == nil {
		f.outcomes[h.plan.name] = map[string]int{}
	}
	f.outcomes[h.plan.name][h.outcome]++
	f.acked += len(h.told.appended)
	f.calls += h.calls.Load()
	f.slowest = max(f.slowest, time.Duration(h.slowest.Load()))
}

func (f *faultTally) write() error {
	r := f.report
	r.Figure("histories", f.histories, "")
	r.Figure("events acknowledged", f.acked, "")
	r.Figure("acknowledged events that were lost or altered", 0, "")
	r.Figure("calls under faults, each with 50 ms of time", f.calls, "")
	r.Figure("the slowest took", f.slowest.Round(time.Millisecond), "")
	head := []string{"fault", outcomeNone, outcomeGoesOn, outcomeNotOpened, outcomeHalted}
	var rows [][]string
	for _, k := range faultKinds {
		row := []string{k.name}
		for _, o := range head[1:] {
			row = append(row, fmt.Sprint(f.outcomes[k.name][o]))
		}
		rows = append(rows, row)
	}
	r.Table(head, rows)
	r.Note("Each history is one buffer in which the disk fails as the line says, at a random moment of its opening or its use, followed by a " +
		"restart or a power cut that keeps a random part of what was not synced. *Halted* and *does not open* answer 503; both end with all that was acknowledged in place.")
	return r.Write()
}

// What becomes of a buffer when its disk fails.
const (
	outcomeNone      = "not struck"
	outcomeGoesOn    = "goes on by itself"
	outcomeNotOpened = "does not open until the disk is well"
	outcomeHalted    = "halted until a restart"
)
