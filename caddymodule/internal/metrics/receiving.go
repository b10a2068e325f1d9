package metrics

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// receivingFamilies are about what comes from Smartcar.
func receivingFamilies() []family {
	return []family{
		gauge("receiving", "Whether events are taken: 1, or 0 while they are refused or do not come to a receiver.", nil,
			one(func(s *api.Status) float64 { return truth(s.Receiving.Healthy) })),
		counter("deliveries_total", "Requests to a receiver by what became of them. outcome is stored, unreadable,"+
			" duplicate, verified or refused; and of smartcar_verify passed, or not_taken where the application did not answer"+
			" 2xx. reason is the code of the answer to a refused one, else empty.",
			[]string{"source", "outcome", "reason"}, deliveries),
		counter("duplicates_differing_total", "Those of the duplicates that came with other data than what is stored.",
			[]string{"source"}, func(s *api.Status, emit emitter) {
				for i := range s.Sources {
					emit(float64(s.Sources[i].Differing), s.Sources[i].Name)
				}
			}),
		counter("delivery_ages_total", "Deliveries with a right signature whose time of sending is out of the usual, where the"+
			" receiver has max_age. age is too_old, future, missing, or unjudged: too old by a clock that may have been wrong.",
			[]string{"source", "age"}, func(s *api.Status, emit emitter) {
				for i := range s.Sources {
					source := &s.Sources[i]
					emit(float64(source.Ages.TooOld), source.Name, "too_old")
					emit(float64(source.Ages.Future), source.Name, "future")
					emit(float64(source.Ages.Missing), source.Name, "missing")
					emit(float64(source.Ages.Unjudged), source.Name, "unjudged")
				}
			}),
		counter("signature_matches_total",
			"Right signatures by the number of the token that they were made with: 1 is the"+
				" receiver's first one, and other is any above 9.", []string{"source", "token"},
			func(s *api.Status, emit emitter) {
				for i := range s.Sources {
					source := &s.Sources[i]
					if source.Matches["1"] == 0 {
						emit(0, source.Name, "1")
					}
					for token, n := range source.Matches {
						emit(float64(n), source.Name, token)
					}
				}
			}),
		gauge("live_all_refused", "Whether all LIVE events of the source are refused, as far as can be told from requests that"+
			" claim to be such: 1, or 0.", []string{"source"}, func(s *api.Status, emit emitter) {
			for i := range s.Sources {
				emit(truth(s.Sources[i].Live.AllRefused), s.Sources[i].Name)
			}
		}),
		counter("live_refused_total", "Requests whose signature matched no token and that claim to be LIVE events, of those"+
			" that were looked at.", []string{"source"}, func(s *api.Status, emit emitter) {
			for i := range s.Sources {
				emit(float64(s.Sources[i].Live.Refused), s.Sources[i].Name)
			}
		}),
		gauge("last_event_age_seconds",
			"How long ago an event was last stored; where none was, since when events are counted.",
			[]string{"source"}, func(s *api.Status, emit emitter) {
				for i := range s.Sources {
					if s.Sources[i].Removed {
						continue // nothing can come
					}
					last := s.Sources[i].LastStored
					if last.IsZero() {
						last = s.Since
					}
					emit(max(0, s.At.Sub(last).Seconds()), s.Sources[i].Name)
				}
			}),
		gauge("body_memory_bytes", "What the bodies take that have not been answered.", nil,
			one(func(s *api.Status) float64 { return float64(s.BodyMemory.Bytes) })),
		gauge("body_memory_limit_bytes", "What they may take: the option body_memory.", nil,
			one(func(s *api.Status) float64 { return float64(s.BodyMemory.LimitBytes) })),
		gauge("connections_open", "Open connections of the servers that have a receiver.", nil,
			one(func(s *api.Status) float64 { return float64(s.Connections.Open) })),
		counter("connections_opened_total", "Connections of the servers that have a receiver.", nil,
			one(rising(func(s *api.Status) float64 { return float64(s.Connections.Opened) }))),
		gauge("attention", "What needs attention: the lines of `caddy smartcar status`, by level.", []string{"level"},
			func(s *api.Status, emit emitter) {
				by := map[string]int{}
				for i := range s.Attention {
					by[s.Attention[i].Level]++
				}
				for _, level := range []string{api.LevelError, api.LevelWarning} {
					emit(float64(by[level]), level)
				}
			}),
		gauge("build_info",
			"1, with the version of this module and the commit that it was built from, where that is known.",
			[]string{"version", "revision"}, func(s *api.Status, emit emitter) {
				emit(1, s.Version.Version, s.Revision)
			}),
	}
}

func deliveries(s *api.Status, emit emitter) {
	for i := range s.Sources {
		source := &s.Sources[i]
		emit(float64(source.Stored-source.Unreadable), source.Name, "stored", "")
		emit(float64(source.Unreadable), source.Name, "unreadable", "")
		emit(float64(source.Duplicates), source.Name, "duplicate", "")
		emit(float64(source.Passed), source.Name, "passed", "")
		emit(float64(source.NotTaken), source.Name, "not_taken", "")
		emit(float64(source.Verified), source.Name, "verified", "")
		// All codes from the beginning: an increase from nothing is none for Prometheus.
		for _, code := range api.RefusalCodes() {
			emit(float64(source.Refused[code]), source.Name, "refused", code)
		}
	}
}
