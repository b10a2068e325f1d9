package metrics

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// quarantineFamilies are about what is kept of requests that were refused for their signature.
func quarantineFamilies() []family {
	return []family{
		gauge("quarantine_events", "Refused requests that the quarantine keeps.", nil,
			one(func(s *api.Status) float64 { return float64(s.Quarantine.Kept) })),
		gauge("quarantine_releasable_events", "Those of them that verify with the present tokens and can be released.", nil,
			one(func(s *api.Status) float64 { return float64(s.Quarantine.Releasable) })),
		gauge("quarantine_bytes", "What they take on disk.", nil,
			one(func(s *api.Status) float64 { return float64(s.Quarantine.Bytes) })),
		counter("quarantine_kept_total", "Refused requests that were written to the quarantine.", nil,
			one(func(s *api.Status) float64 { return float64(s.Quarantine.Written) })),
		counter("quarantine_written_bytes_total", "What was written for them.", nil,
			one(func(s *api.Status) float64 { return float64(s.Quarantine.WrittenBytes) })),
		counter("quarantine_released_total", "Those of them whose events were released into the buffer.", nil,
			one(func(s *api.Status) float64 { return float64(s.Quarantine.Released) })),
		counter("quarantine_dropped_total", "Refused requests that were not kept, or are kept no more, without anybody"+
			" asking for that. reason is rate, too_large, no_event, repeat, disk, displaced, expired or damaged.",
			[]string{"reason"}, func(s *api.Status, emit emitter) {
				// All reasons from the beginning: an increase from nothing is none for Prometheus.
				for _, reason := range api.QuarantineDrops() {
					emit(float64(s.Quarantine.Dropped[reason]), reason)
				}
			}),
	}
}
