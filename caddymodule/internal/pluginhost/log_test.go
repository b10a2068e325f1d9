package pluginhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestBadLinesOnStderrAreHarmless(t *testing.T) {
	log := newJournal()
	p := newPlugin(t, fakeSpec(t, log, "bad-stderr"))
	mustStart(t, p)
	if r := handleOne(t, p, "x"); r.Status != dispatch.Done {
		t.Errorf("result = %+v", r)
	}
	log.await(t, "JSON with a number as message", message(`{"@message": 1}`))
	log.await(t, "JSON with an odd level", message("odd level"))
	long := log.await(t, "the long line", func(r map[string]any) bool { return strings.HasPrefix(r["msg"].(string), "xxx") })
	if got := len(long["msg"].(string)); got != maxLine || long["cut_bytes"] != float64(200_000-maxLine) {
		t.Errorf("the long line has %d bytes, %v cut", got, long["cut_bytes"])
	}
	log.await(t, "binary", message("\uFFFD\uFFFD\uFFFD\uFFFD[2J"))
	warn := log.await(t, "the warning", message("low on fuel"))
	if attrs := warn["plugin"].(map[string]any); warn["level"] != "WARN" || warn["handler"] != "h1" || attrs["litres"] != float64(3) || len(attrs) != 1 {
		t.Errorf("record = %v", warn)
	}
}

// What a plugin prints after its start reaches the log, whichever way it takes.
func TestPrintsReachTheLog(t *testing.T) {
	log := newJournal()
	p := newPlugin(t, fakeSpec(t, log))
	mustStart(t, p)
	handleOne(t, p, "print hello")
	for text, stream := range map[string]string{"hello": "stdout", "hello too": "stderr"} {
		if rec := log.await(t, text, message(text)); rec["stream"] != stream {
			t.Errorf("%q came from %v, want %s", text, rec["stream"], stream)
		}
	}
}

func TestFloodIsBounded(t *testing.T) {
	log := newJournal()
	spec := fakeSpec(t, nil, "flood=5000")
	spec.Log = log.logger(slog.LevelInfo)
	p := newPlugin(t, spec)
	mustStart(t, p)
	if err := p.Stop(testContext(t)); err != nil {
		t.Fatal(err)
	}
	lines, dropped := 0, 0
	for _, rec := range log.snapshot() {
		if n, ok := rec["dropped"].(float64); ok {
			dropped += int(n)
		} else if strings.HasPrefix(rec["msg"].(string), "line ") {
			lines++
		}
	}
	if lines+dropped != 5000 || lines < linesBurst || dropped == 0 {
		t.Errorf("%d lines and %d dropped, want 5000 together and at least %d lines", lines, dropped, linesBurst)
	}
}

func TestLogSink(t *testing.T) {
	log := newJournal()
	s := newLogSink(log.logger(slog.LevelInfo))
	s.limit = rate.NewLimiter(rate.Every(time.Hour), 3)
	w := s.writer("stderr")
	for i := range 30 {
		fmt.Fprintf(w, "line %d\r\n", i)
		fmt.Fprintln(w, `{"@level":"debug","@message":"not shown, not counted, not kept"}`)
	}
	fmt.Fprint(w, "no line end")
	s.flush()
	s.flush()
	var got []string
	for _, rec := range log.snapshot() {
		got = append(got, fmt.Sprint(rec["msg"], rec["dropped"]))
	}
	if want := "line 0<nil>,line 1<nil>,line 2<nil>,plugin writes too much; lines were dropped28"; strings.Join(got, ",") != want {
		t.Errorf("log = %q, want %q", strings.Join(got, ","), want)
	}
	last, _ := s.last()
	if len(last) != tailLines || last[0] != "line 11" || last[tailLines-1] != "no line end" {
		t.Errorf("last lines = %q", last)
	}
}

// Of a panic the beginning is kept, not the end of its trace.
func TestLogSinkKeepsThePanic(t *testing.T) {
	log := newJournal()
	s := newLogSink(log.logger(slog.LevelInfo))
	w := s.writer("stderr")
	fmt.Fprintln(w, "before")
	fmt.Fprintln(w, "panic: oh no")
	for i := range 50 {
		fmt.Fprintln(w, "frame", i)
	}
	if last, panicked := s.last(); last[0] != "panic: oh no" || len(last) != tailLines || !panicked {
		t.Errorf("last lines = %q, of a panic: %v", last, panicked)
	}
	if rec := log.await(t, "a frame", message("frame 49")); rec["level"] != "ERROR" {
		t.Errorf("record = %v", rec)
	}
}

func TestParseLogLine(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		level      slog.Level
		message    string
		attrs      string
		plain      bool
	}{
		{"hclog", `{"@level":"error","@message":"m","@module":"x","@timestamp":"t","n":12345678901234567,"f":1.5}`, slog.LevelError, "m", "[module=x f=1.5 n=12345678901234567]", false},
		{"slog", `{"time":"t","level":"WARN","msg":"m","error":"e"}`, slog.LevelWarn, "m", "[error=e]", false},
		{"trace", `{"@level":"trace","@message":"m"}`, slog.LevelDebug - 4, "m", "[]", false},
		{"no level", `{"msg":"m"}`, slog.LevelInfo, "m", "[]", false},
		{"number as level", `{"level":30,"msg":"m"}`, slog.LevelInfo, "m", "[level=30]", false},
		{"number as message", `{"@message":1}`, 0, `{"@message":1}`, "[]", true},
		{"no message", `{"a":1}`, 0, `{"a":1}`, "[]", true},
		{"two objects", `{"msg":"a"} {"msg":"b"}`, 0, `{"msg":"a"} {"msg":"b"}`, "[]", true},
		{"broken", `{"msg":`, 0, `{"msg":`, "[]", true},
		{"text", `hello`, 0, `hello`, "[]", true},
		{"escape codes", "\x1b[31mred", 0, "\uFFFD[31mred", "[]", true},
		{"escape codes in JSON", `{"msg":"\u001b[2J","a":"\u0007"}`, 0, "\uFFFD[2J", "[a=\uFFFD]", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := parseLogLine([]byte(tt.line))
			if got.level != tt.level || got.message != tt.message || fmt.Sprint(got.attrs) != tt.attrs || got.plain != tt.plain {
				t.Errorf("got %v %q %v plain=%v", got.level, got.message, got.attrs, got.plain)
			}
		})
	}
}

func FuzzLogLine(f *testing.F) {
	for _, seed := range []string{`{"@message": 1}`, `{"@level":"warn","@message":"m","k":{"a":[1,null,"\u0000"]}}`, "panic: x", "\xff\x00", `{"msg":"m","n":1e999}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var out bytes.Buffer
		s := newLogSink(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug - 4})))
		w := s.writer("stderr")
		_, _ = w.Write(line)
		s.flush()
		for rec := range bytes.Lines(out.Bytes()) {
			if !json.Valid(rec) {
				t.Errorf("log record %q is not JSON", rec)
			}
		}
		last, _ := s.last()
		for _, l := range last {
			if len(l) > tailBytes || !utf8.ValidString(l) {
				t.Errorf("last line %q", l)
			}
		}
	})
}

func TestBridge(t *testing.T) {
	log := newJournal()
	l := bridge(log.logger(slog.LevelDebug)).Named("stdio")
	l.Error("plugin process exited", "pid", 7, "odd")
	l.Trace("not shown")
	recs := log.snapshot()
	if len(recs) != 1 || recs[0]["level"] != "DEBUG" || recs[0]["said"] != "error" || recs[0]["pid"] != float64(7) {
		t.Errorf("records = %v", recs)
	}
	quiet := newJournal()
	bridge(quiet.logger(slog.LevelInfo)).Log(hclog.Error, "noise")
	if recs := quiet.snapshot(); len(recs) != 0 {
		t.Errorf("records at info = %v", recs)
	}
}

func TestCapText(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"fits", "abc", 3, "abc"},
		{"cut", "abcdefgh", 6, "abc…"},
		{"cut in a rune", "ééééé", 8, "éé…"},
		{"no UTF-8", "a\xffb", 10, "a\uFFFDb"},
		{"control", "a\x1b\x00b\n", 20, "a\uFFFD\uFFFDb\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := capTo(tt.in, tt.n); got != tt.want {
				t.Errorf("capTo(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
			}
		})
	}
}
