package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"golang.org/x/time/rate"
)

const (
	// maxLine bounds one line of a plugin's output; the rest of it is dropped.
	maxLine = 16 << 10
	// tailLines and tailBytes bound what is kept of a plugin's last lines.
	tailLines = 20
	tailBytes = 400
	// linesPerSecond and linesBurst bound what of a plugin's output reaches the log.
	linesPerSecond = 100
	linesBurst     = 400
)

// logSink takes the output lines of one process to the log, at a bounded rate, and
// keeps the last ones for errors.
type logSink struct {
	log   *slog.Logger
	limit *rate.Limiter

	mu      sync.Mutex
	dropped int
	inPanic bool
	tail    []string
	ending  string // what the process said of its end
	writers []*lineWriter
}

func newLogSink(log *slog.Logger) *logSink {
	return &logSink{log: log, limit: rate.NewLimiter(linesPerSecond, linesBurst)}
}

// line takes one line without its end; cut is how many bytes of it were dropped.
func (s *logSink) line(stream string, raw []byte, cut int) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := parseLogLine(raw)
	if rec.plain {
		was := s.inPanic
		rec.level, s.inPanic = plainLevel(rec.message, s.inPanic)
		if s.inPanic && !was {
			s.tail = nil
		}
	}
	if rec.ending {
		s.ending = capText(rec.message)
	} else {
		s.keep(rec)
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, rec.level) {
		return
	}
	if !s.limit.Allow() {
		s.dropped++
		return
	}
	s.logDropped()
	attrs := []slog.Attr{slog.String("stream", stream)}
	if len(rec.attrs) > 0 {
		attrs = append(attrs, slog.GroupAttrs("plugin", rec.attrs...))
	}
	if cut > 0 {
		attrs = append(attrs, slog.Int("cut_bytes", cut))
	}
	s.log.LogAttrs(ctx, rec.level, rec.message, attrs...)
}

// keep remembers the last lines; of a panic, whose trace may be long, the first.
func (s *logSink) keep(rec logRecord) {
	if rec.level <= slog.LevelDebug {
		return
	}
	if len(s.tail) == tailLines {
		if s.inPanic {
			return
		}
		s.tail = slices.Delete(s.tail, 0, 1)
	}
	s.tail = append(s.tail, capTo(rec.summary(), tailBytes))
}

// flush says what is left to say when the process has ended.
func (s *logSink) flush() {
	s.mu.Lock()
	writers := slices.Clone(s.writers)
	s.mu.Unlock()
	for _, w := range writers {
		w.flush()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logDropped()
}

func (s *logSink) logDropped() {
	if s.dropped == 0 {
		return
	}
	s.log.Warn("plugin writes too much; lines were dropped", "dropped", s.dropped,
		"limit", fmt.Sprintf("%v lines/s", s.limit.Limit()))
	s.dropped = 0
}

// last returns the last lines, oldest first; of a panic, the first lines of that.
func (s *logSink) last() (lines []string, panicked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tail), s.inPanic
}

// saidEnding is why the process has ended in its own words, "" where it has said nothing of it.
func (s *logSink) saidEnding() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// writer returns a writer that cuts one stream into lines.
func (s *logSink) writer(stream string) *lineWriter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &lineWriter{sink: s, stream: stream}
	s.writers = append(s.writers, w)
	return w
}

// lineWriter hands whole lines to its sink and never keeps more than maxLine bytes.
type lineWriter struct {
	sink   *logSink
	stream string

	mu  sync.Mutex
	buf []byte
	cut int
}

// Write never fails.
func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		part, rest, ended := bytes.Cut(b, []byte("\n"))
		keep := min(len(part), maxLine-len(w.buf))
		w.buf = append(w.buf, part[:keep]...)
		w.cut += len(part) - keep
		if ended {
			w.end()
		}
		b = rest
	}
	return n, nil
}

// flush ends a line that has no end yet.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) > 0 {
		w.end()
	}
}

func (w *lineWriter) end() {
	w.sink.line(w.stream, bytes.TrimSuffix(w.buf, []byte("\r")), w.cut)
	w.buf, w.cut = w.buf[:0], 0
}
