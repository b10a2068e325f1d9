package dispatch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// stageLines logs into memory; the lines of stages are returned as "stage event#attempt reason".
func stageLines(r *rig, stages ...stage.Stage) func() []string {
	var log bytes.Buffer
	r.cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.cfg.Stages = new(stage.Switch)
	r.cfg.Stages.Set(stage.Of(stages...))
	return func() []string {
		var lines []string
		for text := range strings.Lines(log.String()) {
			var l struct {
				Event   string `json:"event"`
				ID      string `json:"event_id"`
				Attempt int    `json:"attempt"`
				Reason  string `json:"reason"`
			}
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				r.t.Fatal(err)
			}
			if l.Event != "" {
				lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s#%d %s", l.Event, l.ID, l.Attempt, l.Reason)))
			}
		}
		return lines
	}
}

var allOfProcessing = []stage.Stage{stage.ProcessingStarted, stage.ProcessingCompleted, stage.ProcessingFailed}

// Each attempt has a line where it begins and one where it ends, which says why it failed.
func TestStagesOfAttempts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reply reply
		want  string
	}{
		{"done", reply{Result: dispatch.Result{Status: dispatch.Done}}, "processing.completed a:1#1"},
		{"retry", retry("no"), "processing.failed a:1#1 retry"},
		{"no status at all", reply{}, "processing.failed a:1#1 retry"},
		{"reject", reply{Result: dispatch.Result{Status: dispatch.Reject, Reason: "bad"}}, "processing.failed a:1#1 rejected"},
		{"unavailable", unavailable(time.Second), "processing.failed a:1#1 unavailable"},
		{"no answer", reply{hang: true}, "processing.failed a:1#1 timeout"},
		{"crash", crashes("exit status 2"), "processing.failed a:1#1 crash"},
		{"down", reply{err: fmt.Errorf("ended: %w", dispatch.ErrDown)}, "processing.failed a:1#1 down"},
		{"failed call", reply{err: errors.New("broken frame")}, "processing.failed a:1#1 call_failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, r *rig) {
				lines := stageLines(r, allOfProcessing...)
				r.h.on("a:1", tt.reply)
				r.add("a:1")
				r.start()
				r.after(10 * time.Minute)
				r.stop()
				got := lines()
				if len(got) < 2 || got[0] != "processing.started a:1#1" || got[1] != tt.want {
					t.Errorf("lines %q, want %q", got, tt.want)
				}
				begun := func(l string) bool { return strings.HasPrefix(l, "processing.started") }
				if n := len(slices.DeleteFunc(slices.Clone(got), begun)); 2*n != len(got) {
					t.Errorf("beginnings and ends do not come to the same: %q", got)
				}
			})
		})
	}
}

// What Stop cuts off has an end too.
func TestStageOfWhatIsCutOff(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		lines := stageLines(r, allOfProcessing...)
		r.h.on("a:1", reply{hang: true})
		r.add("a:1")
		r.start()
		r.wantDeliveries("a:1#1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.d.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := r.consumer.Close(); err != nil {
			t.Error(err)
		}
		want := []string{"processing.started a:1#1", "processing.failed a:1#1 cut_off"}
		if got := lines(); !slices.Equal(got, want) {
			t.Errorf("lines %q, want %q", got, want)
		}
	})
}

// A stage is written as soon as it is switched on, and no more when it is switched off, while the dispatcher runs.
func TestStagesAreSwitchedWhileDelivering(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		lines := stageLines(r)
		r.start()
		for i, tt := range []struct {
			on   []stage.Stage
			want []string
		}{
			{nil, nil},
			{[]stage.Stage{stage.ProcessingStarted}, []string{"processing.started a:2#1"}},
			{[]stage.Stage{stage.ProcessingCompleted}, []string{"processing.completed a:3#1"}},
			{[]stage.Stage{stage.ProcessingFailed}, nil},
		} {
			before := len(lines())
			r.cfg.Stages.Set(stage.Of(tt.on...))
			r.add(fmt.Sprintf("a:%d", i+1))
			r.after(time.Second)
			if got := lines()[before:]; !slices.Equal(got, tt.want) {
				t.Errorf("with %q: lines %q, want %q", tt.on, got, tt.want)
			}
		}
		r.stop()
	})
}

// What a line says, and that it says nothing of a person, nor what a process wrote before it ended.
func TestFieldsOfStages(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		var log bytes.Buffer
		stageLines(r, allOfProcessing...)
		r.cfg.Log = slog.New(slog.NewJSONHandler(&log, nil))
		r.cfg.Batch = dispatch.BatchPolicy{MaxEvents: 2, MaxWait: time.Millisecond}
		r.h.slow = func(string) time.Duration { return 1500 * time.Millisecond }
		r.h.on("a:1", reply{Result: dispatch.Result{Status: dispatch.Reject, Reason: "no_car", Error: "no such car"}})
		r.add("a:1", "b:1")
		r.start()
		r.after(time.Minute)
		r.h.on("c:1", crashes("secret-vin"))
		r.add("c:1")
		r.after(time.Minute)
		r.stop()
		for _, want := range []string{
			`"level":"INFO","msg":"processing started","handler":"rig","event":"processing.started","source":"","event_id":"a:1",` +
				`"event_type":"VEHICLE_STATE","delivery_id":"","attempt":1,"batch_size":2}`,
			`"level":"WARN","msg":"processing failed","handler":"rig","event":"processing.failed","source":"","event_id":"a:1",` +
				`"event_type":"VEHICLE_STATE","delivery_id":"","attempt":1,"batch_size":2,"reason":"rejected","error":"no such car",` +
				`"handler_reason":"no_car","duration":1500000000}`,
			`"level":"INFO","msg":"processing completed","handler":"rig","event":"processing.completed","source":"","event_id":"b:1",` +
				`"event_type":"VEHICLE_STATE","delivery_id":"","attempt":1,"batch_size":2,"duration":1500000000}`,
			`"batch_size":1,"reason":"crash","duration":1500000000}`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no line with %s\n%s", want, &log)
			}
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log has personal data:\n%s", &log)
		}
	})
}

// What a level keeps out of the log is not even made.
func TestStagesHeedTheLevel(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		stageLines(r, allOfProcessing...)
		var log bytes.Buffer
		r.cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		r.h.on("a:1", retry("no"))
		r.add("a:1")
		r.start()
		r.after(time.Minute)
		r.stop()
		if n := strings.Count(log.String(), `"processing.`); n != 1 {
			t.Errorf("%d lines, want only that of the failure:\n%s", n, &log)
		}
	})
}
