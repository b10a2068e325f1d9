package main

import (
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// stageTable has a line for the empty buffer and one for each stage.
func stageTable(all []stage, size int) table {
	t := table{head: []string{"stored", "ingest/s", "÷ empty", "drain/s", "÷ empty", "start to first 200", "files not in memory",
		"memory", "under load", "CPU/request", "written/received", "counted/event", "disk/event"}}
	if len(all) == 0 {
		return t
	}
	line := func(stored string, r result, ratio string, drains []float64, drainRatio string, first, cold time.Duration, rest, peak int64, counted, disk string) {
		s := r.sum()
		cpu, written := unknown, unknown
		if s.known {
			cpu, written = micros(s.use.CPU, s.answers), decimal(float64(s.use.Written)/float64(s.answers*size), 2)
		}
		t.add(stored, count(r.rate()), ratio, count(median(drains)), drainRatio, millis(first), coldly(cold), megabytes(rest), megabytes(peak), cpu, written, counted, disk)
	}
	e := all[0]
	line("0", e.empty, "1", e.others, "1", e.emptyFirst, 0, e.emptyRest, e.emptyPeak, unknown, unknown)
	for _, s := range all {
		line(count(float64(s.stored)), s.full, decimal(s.ingestRatio(), 2), s.drains, decimal(s.drainRatio(), 2), s.first, s.cold, s.rest, s.peak, count(s.counted)+" B", count(s.disk)+" B")
	}
	return t
}

// coldly is a start with the files not in memory.
func coldly(d time.Duration) string {
	if d == 0 {
		return unknown
	}
	return millis(d)
}

func reportStages(rep *report.Report, opts options, all []stage, t trimmed) {
	for _, s := range all {
		n := count(float64(s.stored))
		rep.Figure(fmt.Sprintf("ingest with %s stored events ÷ ingest with none (bar: %.1f or more)", n, barGrowth), s.ingestRatio(), "")
		if len(s.drains) > 0 {
			rep.Figure(fmt.Sprintf("drain with %s stored events ÷ drain with none", n), s.drainRatio(), "")
		}
	}
	last := all[len(all)-1]
	rep.Figure("what an event counts for in max_size, beside its body", last.counted-float64(opts.size), "bytes")
	rep.Figure("files ÷ what is counted", last.disk/last.counted, "")
	rep.Note("## With stored events")
	table := stageTable(all, opts.size)
	rep.Table(table.head, table.rows)
	rep.Note(stagesNote)
	rep.Note("## Space after trimming")
	rep.Figure("max_size, a quarter of what was stored", megabytes(t.limit), "")
	rep.Figure("counted before", megabytes(t.counted), "")
	rep.Figure("files before", megabytes(t.before), "")
	rep.Figure("files after, as a share of max_size", t.ofLimit(t.after), "")
	rep.Figure("until then", t.took.Round(100*time.Millisecond), "")
	rep.Figure("most of the files while events came as fast as others went, as a share of max_size", t.ofLimit(t.loaded), "")
	rep.Figure("received meanwhile", count(t.rate), "events/s")
}

const stagesNote = "Each ratio is the median over phases, each divided by the mean of the phases with an empty buffer before and after it, in the same run. The stored events are filled in " +
	"through the buffer itself, 256 at a time; what that leaves to compactions is done before anything is measured. What the phases store comes on top. " +
	"The drained backlog lies behind the stored events, which its handler does not get. Memory is what Caddy has resident after the start, and the most under load. " +
	"CPU/request and written/received (pages given to the disk, `/proc/PID/io`) have in them what was put off until after a phase. counted/event is what an event counts for in max_size, disk/event the size of all files after filling. " +
	"The bodies are of a made-up fleet: ids, times and numbers differ, keys and units do not, as in real ones."

func (r steadied) toReport(rep *report.Report, opts options) {
	rep.Note("## Steady load")
	rep.Note(r.plan.statement() + " A handler took all events meanwhile, and its progress is in what was written.")
	rep.Figure("written/received at the hour's own rate", r.atRate, "")
	rep.Figure("written/received over an hour's events", r.over, "")
	rep.Figure("written/received in their last tenth", r.atEnd, "")
	rep.Figure("answers at the pressed rate, p50", millis(percentile(r.fast.latencies, 0.50)), "")
	rep.Figure("p99", millis(percentile(r.fast.latencies, 0.99)), "")
	rep.Figure("max", millis(percentile(r.fast.latencies, 1)), "")
	rep.Figure("body", opts.size, "bytes")
	if short := r.shortfall(); short != "" {
		rep.Note("It was no steady load" + short + ".")
	}
	rep.Table(r.table.head, r.table.rows)
}
