package main

import (
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

func (m *delivery) toReport(rep *report.Report, full drained, costs table, st standing) error {
	if m.ingest > 0 {
		rep.Figure(fmt.Sprintf("delivered ÷ received events per second (bar: %d or more)", barDelivered), full.perSecond()/m.ingest, "")
	}
	rep.Figure("delivered", count(full.perSecond()), "events/s")
	for _, w := range st.states {
		rep.Figure(fmt.Sprintf("first 200 after the start with %s undelivered events, handler %s (bar: %s or less)", count(float64(w.behind)), w.state, millis(barStart)), millis(w.first), "")
		rep.Figure(fmt.Sprintf("memory of Caddy with them, at rest, handler %s", w.state), megabytes(w.rest), "")
		rep.Figure(fmt.Sprintf("most memory of Caddy with them, receiving as fast as it can, handler %s (bar: %d MB or less)", w.state, barMemory), megabytes(w.peak), "")
		rep.Figure(fmt.Sprintf("received with them, handler %s", w.state), count(w.rate), "events/s")
	}
	if len(st.states) > 0 {
		rep.Figure("most memory of Caddy while it drains them", megabytes(st.draining), "")
	}
	if st.cold > 0 {
		rep.Figure("first 200 with the files not in the system's memory, as after a start of the machine", millis(st.cold), "")
	}
	rep.Figure("body", m.opts.size, "bytes")
	rep.Table(m.table.head, m.table.rows)
	rep.Note(deliveryNote)
	rep.Note("## Does an event cost more when more of them wait?")
	rep.Table(costs.head, costs.rows)
	return rep.Write()
}

const deliveryNote = "The handler is a process of its own that does nothing but check the order of each vehicle's events; nothing came out of order, else there were no report. " +
	"Default settings of the handlers file, but one row: there the plugin takes one event a call. CPU is the processor time of both processes (`/proc/PID/stat`) from the first " +
	"event to the last; \"start to first event\" is from the start of Caddy's process to the first event in the handler's."
