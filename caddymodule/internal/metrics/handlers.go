package metrics

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"

// handlerStates are those of api.Handler, breakerStates those of api.Breaker and replayStates those of api.Replay.
var (
	handlerStates = []string{
		"ok", "waiting", "probing", "breaker-open", "paused", "draining", "down", "failing", api.StateStarting,
		api.StateStopping,
	}
	breakerStates = []string{"closed", "open", "half-open"}
	replayStates  = []string{"running", "stopped", "done", "failed"}
)

// handlerFamilies are about what is delivered.
func handlerFamilies() []family {
	return append(standingFamilies(), totalFamilies()...)
}

// standingFamilies are how handlers stand.
func standingFamilies() []family {
	each := func(values func(h *api.Handler, emit emitter)) func(*api.Status, emitter) {
		return func(s *api.Status, emit emitter) {
			for i := range s.Handlers {
				values(&s.Handlers[i], emit)
			}
		}
	}
	of := func(value func(h *api.Handler) float64) func(*api.Status, emitter) {
		return each(func(h *api.Handler, emit emitter) { emit(value(h), h.Name) })
	}
	handler := []string{"handler"}
	return []family{
		gauge("handler_behind_events", "Stored events that the handler has not settled, with those in flight.", handler,
			of(func(h *api.Handler) float64 { return float64(h.Behind.Events) })),
		gauge("handler_behind_seconds", "How long ago the oldest of them was stored; 0 without any.", handler,
			of(func(h *api.Handler) float64 { return h.Behind.Seconds })),
		gauge("handler_in_flight_events", "Events that are with the plugin.", handler,
			of(func(h *api.Handler) float64 { return float64(h.InFlight) })),
		gauge("handler_deferred_events",
			"Events that were set aside on disk: they failed, or come behind one that did.", handler,
			of(func(h *api.Handler) float64 { return float64(h.Retrying.Events) })),
		gauge("handler_lanes_waiting", "Lanes (vehicles, or webhooks) with such events.", handler,
			of(func(h *api.Handler) float64 { return float64(h.Retrying.Lanes) })),
		gauge("handler_lanes_parked",
			"Those of the lanes that nothing is done about until a time, such as that of the next"+
				" attempt.", handler, of(func(h *api.Handler) float64 { return float64(h.Retrying.Parked) })),
		gauge("handler_state", "1 for the state that holds, 0 for the others.", []string{"handler", "state"},
			each(func(h *api.Handler, emit emitter) { states(emit, handlerStates, h.State, h.Name) })),
		gauge("handler_breaker_state", "1 for the state of the circuit breaker that holds, 0 for the others.",
			[]string{"handler", "state"}, each(func(h *api.Handler, emit emitter) {
				states(emit, breakerStates, h.Breaker.State, h.Name)
			})),
		gauge("handler_up", "Whether the handler's plugin runs and can take calls.", []string{"handler", "plugin"},
			each(func(h *api.Handler, emit emitter) { emit(truth(h.Plugin.Up), h.Name, h.Plugin.Program) })),
		gauge("handler_conditions",
			"Trouble that the handler reports and that belongs to no event; the status has what it is.", handler,
			of(func(h *api.Handler) float64 { return float64(len(h.Conditions)) })),
		gauge("replays", "Replays by their state.", []string{"state"}, func(s *api.Status, emit emitter) {
			by := map[string]int{}
			for i := range s.Replays {
				by[s.Replays[i].State]++
			}
			for _, state := range replayStates {
				emit(float64(by[state]), state)
			}
		}),
	}
}

// totalFamilies are what handlers did.
func totalFamilies() []family {
	each := func(values func(h *api.Handler, emit emitter)) func(*api.Status, emitter) {
		return func(s *api.Status, emit emitter) {
			for i := range s.Handlers {
				if h := &s.Handlers[i]; h.Totals != nil {
					values(h, emit)
				}
			}
		}
	}
	of := func(value func(t *api.HandlerTotals) uint64) func(*api.Status, emitter) {
		return each(func(h *api.Handler, emit emitter) { emit(float64(value(h.Totals)), h.Name) })
	}
	ofPlugin := func(value func(t *api.HandlerTotals) uint64) func(*api.Status, emitter) {
		return each(func(h *api.Handler, emit emitter) { emit(float64(value(h.Totals)), h.Name, h.Plugin.Program) })
	}
	handler, plugin := []string{"handler"}, []string{"handler", "plugin"}
	letters := each(func(h *api.Handler, emit emitter) {
		emit(float64(h.Totals.Rejected), h.Name, "rejected")
		emit(float64(h.Totals.Exhausted), h.Name, "exhausted")
		emit(float64(h.Totals.Expired), h.Name, "expired")
		emit(float64(h.Totals.Poisoned), h.Name, "poison")
	})
	return []family{
		counter("handler_deliveries_total", "Events by what came of a delivery: done, skipped, retried or dead.",
			[]string{"handler", "result"}, each(func(h *api.Handler, emit emitter) {
				emit(float64(h.Totals.Delivered), h.Name, "done")
				emit(float64(h.Totals.Skipped), h.Name, "skipped")
				emit(float64(h.Totals.Retried), h.Name, "retried")
				emit(float64(h.Totals.Dead), h.Name, "dead")
			})),
		counter("handler_dead_letters_total",
			"Dead letters by their reason. Those that are unreadable or in conflict are of no"+
				" handler, and so they stand under the handler \"\".", []string{"handler", "reason"},
			func(s *api.Status, emit emitter) {
				letters(s, emit)
				if s.Receiving.HasBuffer() {
					emit(float64(s.Buffer.Unreadable), "", "unreadable")
					emit(float64(s.Buffer.Conflicts), "", "conflict")
				}
			}),
		counter("handler_replayed_total", "Those of the events done that a replay had asked for again.", handler,
			of(func(t *api.HandlerTotals) uint64 { return t.Replayed })),
		counter("handler_stale_signals_total",
			"Signals of settled events that were no newer than what the handler had had.", handler,
			of(func(t *api.HandlerTotals) uint64 { return t.Stale })),
		counter("handler_future_signals_total",
			"Signals of settled events whose time is in the future, so that they were not"+
				" compared.", handler, of(func(t *api.HandlerTotals) uint64 { return t.Future })),
		counter("handler_plugin_restarts_total", "How often the handler's plugin was started again by itself.", plugin,
			ofPlugin(func(t *api.HandlerTotals) uint64 { return t.Restarts })),
		counter("handler_plugin_crashes_total",
			"How often the handler's plugin ended by itself, or was killed since it did not"+
				" answer.", plugin, ofPlugin(func(t *api.HandlerTotals) uint64 { return t.Crashes })),
	}
}
