package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestResultOf(t *testing.T) {
	tests := map[string]struct {
		err  error
		want Result
	}{
		"nil":              {nil, Result{Status: StatusDone}},
		"any error":        {io.EOF, Result{Status: StatusRetry, Error: "EOF"}},
		"retry":            {Retry(time.Minute, io.EOF), Result{Status: StatusRetry, RetryAfter: time.Minute, Error: "EOF"}},
		"retry of nothing": {Retry(-time.Minute, nil), Result{Status: StatusRetry, Error: "retry asked for"}},
		"reject":           {Reject("Unknown VIN!", io.EOF), Result{Status: StatusReject, Reason: "unknown_vin_", Error: "EOF"}},
		"reject of nothing": {
			Reject("", nil), Result{Status: StatusReject, Reason: "rejected", Error: "rejected: rejected"},
		},
		"unavailable":            {Unavailable(io.EOF), Result{Status: StatusUnavailable, Error: "EOF"}},
		"unavailable of nothing": {Unavailable(nil), Result{Status: StatusUnavailable, Error: "unavailable"}},
		"wrapped": {
			fmt.Errorf("storing: %w", Reject("too_old", io.EOF)),
			Result{Status: StatusReject, Reason: "too_old", Error: "storing: EOF"},
		},
		"joined":             {errors.Join(io.EOF, Unavailable(nil)), Result{Status: StatusUnavailable, Error: "EOF\nunavailable"}},
		"the outermost wins": {Retry(time.Second, Reject("x", io.EOF)), Result{Status: StatusRetry, RetryAfter: time.Second, Error: "EOF"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ResultOf(tt.err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOutcomesAreSeenThrough(t *testing.T) {
	for _, err := range []error{Retry(0, io.EOF), Reject("x", io.EOF), Unavailable(io.EOF)} {
		if !errors.Is(fmt.Errorf("wrapped: %w", err), io.EOF) {
			t.Errorf("%#v hides its cause", err)
		}
	}
}

func TestResultTextsFitTheWire(t *testing.T) {
	r := ResultOf(Reject(strings.Repeat("r", 1000), errors.New("\xff"+strings.Repeat("ä", 100_000))))
	if !utf8.ValidString(r.Error) || len(r.Error) > maxErrorText+16 || len(r.Reason) > maxReason {
		t.Errorf("error of %d bytes, reason of %d", len(r.Error), len(r.Reason))
	}
}

// rude is an error whose own method panics, as a nil pointer's may.
type rude struct{ text string }

func (r *rude) Error() string { return r.text }

func TestRun(t *testing.T) {
	a1, a2, b1 := &Event{ID: "a1", VehicleID: "a"}, &Event{ID: "a2", VehicleID: "a"}, &Event{ID: "b1", VehicleID: "b"}
	done := Result{Status: StatusDone}
	tests := map[string]struct {
		opened opened
		want   []Result
	}{
		"one by one": {opened{one: func(context.Context, *Event) error { return nil }}, []Result{done, done, done}},
		"an event does not overtake one of its vehicle": {
			opened{one: func(_ context.Context, e *Event) error {
				if e.ID == "a1" {
					return io.EOF
				}
				return nil
			}},
			[]Result{{Status: StatusRetry, Error: "EOF"}, {Status: StatusRetry, Error: "waits for an earlier event of the same vehicle"}, done},
		},
		"a rejected event holds up nobody": {
			opened{one: func(_ context.Context, e *Event) error {
				if e.ID == "a1" {
					return Reject("x", nil)
				}
				return nil
			}},
			[]Result{{Status: StatusReject, Reason: "x", Error: "rejected: x"}, done, done},
		},
		"batches of two": {
			opened{batch: func(_ context.Context, events []*Event) []error {
				return FailAll(len(events), fmt.Errorf("batch of %d", len(events)))
			}},
			[]Result{
				{Status: StatusRetry, Error: "batch of 2"}, {Status: StatusRetry, Error: "batch of 2"},
				{Status: StatusRetry, Error: "batch of 1"},
			},
		},
		"batches all done": {opened{batch: func(context.Context, []*Event) []error { return nil }}, []Result{done, done, done}},
		"batches that answer too little": {
			opened{batch: func(context.Context, []*Event) []error { return []error{} }},
			[]Result{
				{Status: StatusRetry, Error: "the handler answered 0 of 2 events"},
				{Status: StatusRetry, Error: "the handler answered 0 of 2 events"},
				{Status: StatusRetry, Error: "the handler answered 0 of 1 events"},
			},
		},
		"batches that panic and shuffle": {
			opened{batch: func(_ context.Context, events []*Event) []error {
				events[0] = nil
				if len(events) == 1 {
					panic("alone")
				}
				return []error{nil, io.EOF}
			}},
			[]Result{done, {Status: StatusRetry, Error: "EOF"}, {Status: StatusRetry, Error: "panic: alone"}},
		},
		"errors that panic": {
			opened{batch: func(context.Context, []*Event) []error {
				var nothing *rude
				return []error{nothing, nil}[:1:1]
			}},
			[]Result{
				{Status: StatusRetry, Error: "the handler answered 1 of 2 events"},
				{Status: StatusRetry, Error: "the handler answered 1 of 2 events"},
				{Status: StatusRetry, Error: "panic: runtime error: invalid memory address or nil pointer dereference"},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &instance{log: slog.New(slog.DiscardHandler)}
			if diff := cmp.Diff(tt.want, tt.opened.run(t.Context(), s, []*Event{a1, a2, b1}, 2)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
