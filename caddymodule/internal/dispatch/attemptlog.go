package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// attemptLog writes where attempts begin and end, a line for each event, if the stage is switched on. It runs in the
// call's goroutine, so that the scheduler never waits for a log. For each event that a handler gets there is one line of
// the beginning, and one of the end.
type attemptLog struct {
	log    *slog.Logger
	stages *stage.Switch
}

// Why an attempt failed, as the field `reason`.
const (
	// The handler's answer.
	failedRetry       = "retry"
	failedRejected    = "rejected"
	failedUnavailable = "unavailable"
	// There was none.
	failedTimeout  = "timeout"
	failedCrash    = "crash"
	failedDown     = "down"
	failedCutOff   = "cut_off"
	failedCall     = "call_failed"
	failedNoResult = "no_result"
)

// maxID is more than any id of Smartcar's has.
const maxID = 64

func (a attemptLog) started(batch []Delivery) {
	if !a.on(stage.ProcessingStarted, slog.LevelInfo) {
		return
	}
	for i := range batch {
		a.write(slog.LevelInfo, "processing started", stage.ProcessingStarted, batch, i)
	}
}

// ended is about a call that took so long. cutOff: Stop had ended it.
func (a attemptLog) ended(batch []Delivery, answered *answer, cutOff bool, took time.Duration) {
	completes := a.on(stage.ProcessingCompleted, slog.LevelInfo)
	fails := a.on(stage.ProcessingFailed, slog.LevelWarn)
	if !completes && !fails {
		return
	}
	duration := slog.Duration("duration", took)
	for i := range batch {
		why := answered.failure(i, cutOff)
		switch {
		case why == nil && completes:
			a.write(slog.LevelInfo, "processing completed", stage.ProcessingCompleted, batch, i, duration)
		case why != nil && fails:
			a.write(slog.LevelWarn, "processing failed", stage.ProcessingFailed, batch, i, append(why, duration)...)
		}
	}
}

// failure says why the attempt of one event failed; nil: it did not. What a process wrote before it ended is left out:
// it may hold anything. A handler's own words are there, as everywhere in the log.
func (a *answer) failure(i int, cutOff bool) []slog.Attr {
	_, crash := crashDetail(a.err)
	switch {
	case a.err == nil && i >= len(a.results):
		return reason(failedNoResult, "")
	case a.err == nil:
		return a.results[i].failure()
	case crash:
		return reason(failedCrash, "")
	case errors.Is(a.err, ErrDown):
		return reason(failedDown, "")
	case cutOff:
		return reason(failedCutOff, "")
	case a.late:
		return reason(failedTimeout, "")
	default:
		return reason(failedCall, a.err.Error())
	}
}

func (r *Result) failure() []slog.Attr {
	switch r.Status {
	case Done:
		return nil
	case Reject:
		return append(reason(failedRejected, r.Error), slog.String("handler_reason", clip(r.Reason)))
	case Unavailable:
		return reason(failedUnavailable, r.Error)
	default: // Retry, and any status that does not exist
		return reason(failedRetry, r.Error)
	}
}

func reason(why, says string) []slog.Attr {
	list := []slog.Attr{slog.String("reason", why)}
	if says != "" {
		list = append(list, slog.String("error", clip(says)))
	}
	return list
}

func (a attemptLog) on(st stage.Stage, level slog.Level) bool {
	return a.stages.Has(st) && a.log.Enabled(context.Background(), level)
}

func (a attemptLog) write(
	level slog.Level, msg string, st stage.Stage, batch []Delivery, i int, more ...slog.Attr,
) {
	d := &batch[i]
	list := []slog.Attr{
		slog.String("event", string(st)),
		slog.String("source", d.Event.Source),
		slog.String("event_id", text.ASCII(d.Event.ID, maxID)),
		slog.String("event_type", text.ASCII(d.Event.Type, maxID)),
		slog.String("delivery_id", text.ASCII(d.Event.DeliveryID, maxID)),
		slog.Int("attempt", d.Attempt),
		slog.Int("batch_size", len(batch)),
	}
	if d.Replay {
		list = append(list, slog.Bool("replay", true))
	}
	// The line does not say where in the code it was written, which slog would look up each time.
	record := slog.NewRecord(time.Now(), level, msg, 0)
	record.AddAttrs(list...)
	record.AddAttrs(more...)
	_ = a.log.Handler().Handle(context.Background(), record)
}
