package metrics

import (
	"math"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// bufferFamilies are about where events are stored. While there is no open buffer they have no values.
func bufferFamilies() []family {
	of := func(value func(*api.Buffer) float64) func(*api.Status, emitter) {
		return func(s *api.Status, emit emitter) {
			if s.Receiving.HasBuffer() {
				emit(value(&s.Buffer))
			}
		}
	}
	return []family{
		gauge("buffer_events", "Events that are stored, delivered or not.", nil,
			of(func(b *api.Buffer) float64 { return float64(b.Events) })),
		gauge("buffer_bytes", "What the buffer takes on disk.", nil,
			of(func(b *api.Buffer) float64 { return float64(b.Bytes) })),
		gauge("buffer_limit_bytes", "The buffer's max_size.", nil,
			of(func(b *api.Buffer) float64 { return float64(b.LimitBytes) })),
		gauge("buffer_oldest_event_age_seconds",
			"How long ago the oldest stored event was stored; 0 where there is none.", nil,
			of(func(b *api.Buffer) float64 { return b.OldestAge })),
		gauge("buffer_headroom_bytes",
			"About what can still be stored until events are refused: the less of what max_size and"+
				" the disk allow. What all handlers are done with counts as room, since it gives way.", nil,
			func(s *api.Status, emit emitter) {
				if s.Receiving.HasBuffer() && s.Buffer.HeadroomBytes != nil {
					emit(float64(*s.Buffer.HeadroomBytes))
				}
			}),
		gauge("buffer_headroom_seconds",
			"For how long that lasts if it shrinks as in the last minutes; +Inf while it does not.",
			nil, of(func(b *api.Buffer) float64 {
				if b.HeadroomSeconds == nil {
					return math.Inf(1)
				}
				return *b.HeadroomSeconds
			})),
		gauge("buffer_dead_letters", "Dead letters that are stored.", nil,
			of(func(b *api.Buffer) float64 { return float64(b.DeadLetters) })),
		counter("buffer_syncs_total", "Syncs of the log. Each makes one event durable, or several that came together.", nil,
			of(func(b *api.Buffer) float64 { return float64(b.Syncs) })),
		counter("buffer_corrupt_records_total", "Records that were found damaged.", nil,
			of(func(b *api.Buffer) float64 { return float64(b.Corrupt) })),
		gauge("buffer_damaged_folders", "Folders of damaged files that were set aside, and not recovered yet.", nil,
			of(func(b *api.Buffer) float64 {
				n := 0.0
				for i := range b.Damaged {
					n += truth(b.Damaged[i].RecoveredAt.IsZero())
				}
				return n
			})),
	}
}
