package recentlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/masking"
)

// logging returns a logger that keeps lines, and writes those of a level to a text.
func logging(level slog.Level) (*Log, *slog.Logger, *bytes.Buffer) {
	var written bytes.Buffer
	l := New()
	return l, slog.New(l.Handler(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: level}), "smartcar")), &written
}

func lines(t *testing.T, l *Log) string {
	t.Helper()
	kept, _ := l.Lines()
	for _, line := range kept {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	return strings.Join(kept, "\n")
}

func TestWhatIsKept(t *testing.T) {
	tests := []struct {
		name string
		log  func(*slog.Logger)
		// want is in what is kept; nothing is where it is empty. not is not.
		want, not []string
	}{
		{"information", func(l *slog.Logger) { l.Info("plugin is up", "plugin", "jsonl", "pid", 7, "ok", true) }, []string{
			`"level":"INFO","logger":"smartcar","msg":"plugin is up","plugin":"jsonl","pid":7,"ok":true`,
		}, nil},
		{"what a plugin says of itself", func(l *slog.Logger) {
			l.Info("plugin is up", "plugin", "crm of Secret Miller, Hauptstr. 5", "version", "token=Secret 1.0")
		}, []string{`"plugin":"(left out)","version":"(left out)"`}, []string{"Secret", "Miller"}},
		{"a plugin's name and version", func(l *slog.Logger) { l.Info("plugin is up", "plugin", "crm", "version", "1.0.0-rc.1+b7") },
			[]string{`"plugin":"crm","version":"1.0.0-rc.1+b7"`}, nil},
		{"a warning about a handlers file", func(l *slog.Logger) {
			l.Warn("handlers file", "warning", `/etc/caddy/h.hcl:7,15-21: Unknown event type; Smartcar's types are A; this says "Secret".`)
		}, []string{`"warning":"/etc/caddy/h.hcl:7,15-21: Unknown event type; (left out)"`}, []string{"Secret"}},
		{"another one over two lines", func(l *slog.Logger) {
			l.Warn("handlers file", "warning", `h.hcl:7,15-8,2: Limit that changes nothing; Secret`)
		}, []string{`"h.hcl:7,15-8,2: Limit that changes nothing; (left out)"`}, []string{"Secret"}},
		{"one about retention", func(l *slog.Logger) {
			l.Warn("handlers file", "warning", `h.hcl:7: handler "crm": park_after 240h0m0s is longer than the buffer's retention 168h0m0s: Secret`)
		}, []string{`park_after 240h0m0s is longer than the buffer's retention 168h0m0s: (left out)"`}, []string{"Secret"}},
		{"one of another form", func(l *slog.Logger) {
			l.Warn("handlers file", "warning", `h.hcl:7,15-21: Secret "x"; y`)
			l.Warn("handlers file", "warning", "a Secret: b; c")
			l.Warn("other", "warning", "h.hcl:7,15-21: Unknown secret; y")
		}, []string{`"warning":"(left out)"`}, []string{"Secret", "h.hcl"}},
		{"debug", func(l *slog.Logger) { l.Debug("no") }, nil, nil},
		{"a stage of each event", func(l *slog.Logger) { l.Info("webhook received", "event", "webhook.received") }, nil, nil},
		{"a vehicle, an address and a signature", func(l *slog.Logger) {
			l.Warn("signature refused", "event", "signature.failed", "vehicle_id", "veh-1", "remote_ip", "203.0.113.7", "signature", "abcdef", "code", "signature_mismatch")
		}, []string{`"code":"signature_mismatch"`, `"remote_ip":"(public)"`, `"vehicle_id":"(left out)"`},
			[]string{"veh-1", "203.0.113.7", "abcdef"}},
		{"an id before", func(l *slog.Logger) {
			l.With("handler", "crm").With("event_id", "e-1").Warn("event became a dead letter", "error", "no such car Secret")
		}, []string{`"handler":"crm","event_id":"e-1","error":"(left out)"`}, []string{"Secret"}},
		{"the kernel's word for an error", func(l *slog.Logger) {
			l.Error("handler is down", "error", fmt.Errorf("starting Secret: %w", syscall.ENOSPC))
		}, []string{`"error":"(left out) no space left on device"`}, []string{"Secret"}},
		{"an error of the buffer", func(l *slog.Logger) {
			l.Error("buffer: the disk is full", "error", errors.New("sync: input/output error"))
		},
			[]string{`"error":"sync: input/output error"`}, nil},
		{"what a plugin prints", func(l *slog.Logger) {
			l.LogAttrs(context.Background(), slog.LevelError, "panic: Secret", slog.String("stream", "stderr"), slog.GroupAttrs("plugin", slog.String("at", "Secret"), slog.Float64("latitude", 57.7)))
		}, []string{SaidByPlugin}, []string{"Secret", "57.7"}},
		{"what a plugin prints at INFO", func(l *slog.Logger) { l.Info("Secret", "stream", "stdout") }, nil, nil},
		{"a group", func(l *slog.Logger) { l.WithGroup("g").Warn("w", "reason", "Secret") }, []string{`"msg":"w"}`}, []string{"Secret"}},
		{"a group as a value", func(l *slog.Logger) { l.Warn("w", slog.Group("g", "lat", 57.7)) }, []string{`"g":"(left out)"`}, []string{"57.7"}},
		{"a type of Smartcar", func(l *slog.Logger) { l.Warn("w", "event", "x", "event_type", "VEHICLE_STATE") }, []string{`"VEHICLE_STATE"`}, nil},
		{"another type", func(l *slog.Logger) { l.Warn("w", "event", "x", "event_type", "Alice") }, []string{masking.LeftOut}, []string{"Alice"}},
		{"something long", func(l *slog.Logger) { l.Warn("w", "path", strings.Repeat("x", 100_000)) }, []string{`"path":"xxx`}, []string{strings.Repeat("x", mostText+1)}},
		{"times", func(l *slog.Logger) { l.Warn("w", "next", time.Unix(0, 0), "took", time.Second) }, []string{`"next":"1970-01-01T00:00:00Z","took":"1s"`}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, log, _ := logging(slog.LevelDebug)
			test.log(log)
			got := lines(t, l)
			if (got == "") != (test.want == nil) {
				t.Errorf("kept %q", got)
			}
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s is not in %s", want, got)
				}
			}
			for _, not := range test.not {
				if strings.Contains(got, not) {
					t.Errorf("%s is in %s", not, got)
				}
			}
		})
	}
}

// What Caddy does not want is not written there, whatever is kept.
func TestLevelOfTheLogStays(t *testing.T) {
	l, log, written := logging(slog.LevelError)
	log.Info("not wanted")
	log.Warn("kept only")
	log.Error("both")
	if got := lines(t, l); !strings.Contains(got, "kept only") || !strings.Contains(got, "both") || strings.Contains(got, "not wanted") {
		t.Errorf("kept %s", got)
	}
	if got := written.String(); strings.Contains(got, "kept only") || !strings.Contains(got, "both") {
		t.Errorf("written %s", got)
	}
	if log.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("lines are made that nobody wants")
	}
}

// A flood of one kind stays within its bound and drives out no other.
func TestFloodStaysWithinItsBound(t *testing.T) {
	l, log, _ := logging(slog.LevelDebug)
	log.Warn("the one that matters")
	for n := range 5 * mostOfEvents {
		log.Warn("processing failed", "event", "processing.failed", "attempt", n)
		log.Info("news", "n", n)
	}
	for n := range 5 * mostPrinted {
		log.With("pid", n).Warn("printed", "stream", "stderr")
	}
	for n := range 2 * mostWarnings {
		log.Warn("buffer: big", "path", strings.Repeat("x", mostText), "folder", strings.Repeat("y", mostText), "n", n)
	}
	kept, gone := l.Lines()
	size := 0
	for _, line := range kept {
		size += len(line)
	}
	if most := mostWarningsBytes + mostNewsBytes + mostOfEventsBytes + mostPrintedBytes; size > most {
		t.Errorf("%d bytes are kept, at most %d may be", size, most)
	}
	if want := uint64(1 + 10*mostOfEvents + 5*mostPrinted + 2*mostWarnings - len(kept)); gone != want {
		t.Errorf("%d are gone, want %d", gone, want)
	}
	for _, want := range []string{"processing failed", SaidByPlugin, "news", "buffer: big"} {
		if !strings.Contains(strings.Join(kept, "\n"), want) {
			t.Errorf("nothing of %q is kept", want)
		}
	}

	l, log, _ = logging(slog.LevelDebug)
	log.Warn("the one that matters")
	for n := range 5 * mostOfEvents {
		log.Warn("processing failed", "event", "processing.failed", "attempt", n)
	}
	if !strings.Contains(lines(t, l), "the one that matters") {
		t.Error("a flood of events drove out a warning")
	}
}

// Lines in a row that say the same are one, with how many there were and since when.
func TestRepeatedLines(t *testing.T) {
	l, other := New(), New()
	h := l.Handler(slog.DiscardHandler, "smartcar")
	at := time.Unix(0, 0)
	log := func(message string) {
		at = at.Add(time.Second)
		r := slog.NewRecord(at, slog.LevelWarn, message, 0)
		r.AddAttrs(slog.String("warning", "of "+at.String()))
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		log("handlers file")
	}
	log("another")
	log("handlers file")
	l.JoinTo(other)
	log("handlers file")
	const rest = `"level":"WARN","logger":"smartcar","msg":`
	want := `{"ts":"1970-01-01T00:00:03Z",` + rest + `"handlers file","warning":"(left out)","repeated":3,"since":"1970-01-01T00:00:01Z"}
{"ts":"1970-01-01T00:00:04Z",` + rest + `"another","warning":"(left out)"}
{"ts":"1970-01-01T00:00:06Z",` + rest + `"handlers file","warning":"(left out)","repeated":2,"since":"1970-01-01T00:00:05Z"}`
	if got := lines(t, other); got != want {
		t.Errorf("got\n%s", got)
	}
	if _, gone := other.Lines(); gone != 0 {
		t.Errorf("%d are gone", gone)
	}
}

// A config's lines from before it had its engine are those of the engine then, in the order in which they came.
func TestJoinTo(t *testing.T) {
	engine, engineLog, _ := logging(slog.LevelDebug)
	config, configLog, _ := logging(slog.LevelDebug)
	engineLog.Info("one")
	configLog.Warn("two")
	config.JoinTo(engine)
	config.JoinTo(New()) // once only
	engine.JoinTo(engine)
	configLog.Info("three")
	engineLog.Warn("four")
	got := lines(t, engine)
	at := -1
	for _, want := range []string{"one", "two", "three", "four"} {
		i := strings.Index(got, want)
		if i <= at {
			t.Errorf("%q is not in its place in\n%s", want, got)
		}
		at = i
	}
	if lines(t, config) != got {
		t.Error("the config's own has other lines")
	}
}

func TestConcurrentUse(t *testing.T) {
	l, log, _ := logging(slog.LevelError + 1)
	other := New()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				log.Warn("w", "by", strconv.Itoa(i), "n", n)
				l.Lines()
			}
		})
	}
	wg.Go(func() { l.JoinTo(other) })
	wg.Wait()
	if kept, gone := other.Lines(); len(kept)+int(gone) != 1600 {
		t.Errorf("%d lines are kept and %d gone", len(kept), gone)
	}
}

// A line of an event that is not kept costs no memory here.
func TestStagesCostNothing(t *testing.T) {
	h := New().Handler(slog.DiscardHandler, "smartcar")
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "webhook received", 0)
	r.AddAttrs(slog.String("event", "webhook.received"))
	if n := testing.AllocsPerRun(100, func() { _ = h.Handle(context.Background(), r) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
