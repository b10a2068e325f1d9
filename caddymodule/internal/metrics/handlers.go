package metrics

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"

// handlerStates are those of api.Handler.
var handlerStates = []string{
	"ok", "waiting", "probing", "breaker-open", "paused", "draining", "down", "failing", api.StateStarting, api.StateStopping,
}

// handlerFamilies are about what is delivered.
func handlerFamilies() []family {
	each := func(values func(h *api.Handler, emit emitter)) func(*api.Status, emitter) {
		return func(s *api.Status, emit emitter) {
			for i := range s.Handlers {
				values(&s.Handlers[i], emit)
			}
		}
	}
	handler := []string{"handler"}
	return []family{
		gauge("handler_behind_events", "Stored events that the handler has not settled, with those in flight.", handler,
			each(func(h *api.Handler, emit emitter) { emit(float64(h.Behind.Events), h.Name) })),
		gauge("handler_behind_seconds", "How long ago the oldest of them was stored; 0 without any.", handler,
			each(func(h *api.Handler, emit emitter) { emit(h.Behind.Seconds, h.Name) })),
		gauge("handler_state", "1 for the state that holds, 0 for the others.", []string{"handler", "state"},
			each(func(h *api.Handler, emit emitter) { states(emit, handlerStates, h.State, h.Name) })),
		gauge("handler_up", "Whether the handler's plugin runs and can take calls.", []string{"handler", "plugin"},
			each(func(h *api.Handler, emit emitter) { emit(truth(h.Plugin.Up), h.Name, h.Plugin.Name) })),
		counter("handler_deliveries_total", "Events by what came of a delivery: done, skipped, retried or dead.",
			[]string{"handler", "result"}, each(func(h *api.Handler, emit emitter) {
				emit(float64(h.Counts.Delivered), h.Name, "done")
				emit(float64(h.Counts.Skipped), h.Name, "skipped")
				emit(float64(h.Counts.Retried), h.Name, "retried")
				emit(float64(h.Counts.Dead), h.Name, "dead")
			})),
		counter("handler_plugin_restarts_total", "How often the handler's plugin was started again.", []string{"handler", "plugin"},
			each(func(h *api.Handler, emit emitter) { emit(float64(h.Plugin.Restarts), h.Name, h.Plugin.Name) })),
	}
}
