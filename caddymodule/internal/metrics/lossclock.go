package metrics

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"

// lossFamilies are about what is lost, or will be unless events are received again in time.
func lossFamilies() []family {
	each := func(value func(l *api.Loss) float64) func(*api.Status, emitter) {
		return func(s *api.Status, emit emitter) {
			for i := range s.Sources {
				emit(value(&s.Sources[i].Loss), s.Sources[i].Name)
			}
		}
	}
	// A downtime of which nobody knows how long it was has no value.
	downtime := func(value func(d *api.Downtime) float64) func(*api.Status, emitter) {
		return func(s *api.Status, emit emitter) {
			if s.Downtime.State != api.DowntimeUnknown {
				emit(value(&s.Downtime))
			}
		}
	}
	source := []string{"source"}
	return []family{
		gauge("loss_clock_seconds", "How long until Smartcar gives up on the oldest delivery that was rightly signed,"+
			" not stored, and has not come again; while nothing can be received since before the start, on what it sent"+
			" first; 175 while there is none.", source, each(func(l *api.Loss) float64 { return l.ClockSeconds })),
		gauge("pending_redeliveries", "How many of these deliveries there are.", source,
			each(func(l *api.Loss) float64 { return float64(l.Pending) })),
		counter("lost_deliveries_total", "Those that did not come again in time.", source,
			each(func(l *api.Loss) float64 { return float64(l.Lost) })),
		counter("unverified_refused_total", "Refused requests that may have been events, without a right signature or"+
			" before it was looked at.", source, each(func(l *api.Loss) float64 { return float64(l.Unverified) })),
		counter("downtime_seconds_total", "How long nothing could be received before this process, or before it could.",
			nil, downtime(func(d *api.Downtime) float64 { return d.Seconds })),
		counter("downtime_lost_seconds_total", "The part of it of which first attempts have run out.", nil,
			downtime(func(d *api.Downtime) float64 { return d.LostSeconds })),
	}
}
