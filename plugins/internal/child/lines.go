package child

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Lines is a writer that cuts a stream into lines. It never fails and never holds more than Max bytes.
type Lines struct {
	// Max bounds a line, in bytes; the rest of it is dropped.
	Max int
	// Each takes a line without its end, and how many bytes of it were dropped. The line is the writer's own.
	Each func(line []byte, dropped int)

	held    []byte
	dropped int
}

// Write implements io.Writer.
func (l *Lines) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part, rest, ended := bytes.Cut(b, []byte("\n"))
		keep := min(len(part), l.Max-len(l.held))
		l.held = append(l.held, part[:keep]...)
		l.dropped += len(part) - keep
		if ended {
			l.end()
		}
		b = rest
	}
	return n, nil
}

// Flush ends a line that has no end yet.
func (l *Lines) Flush() {
	if len(l.held) > 0 {
		l.end()
	}
}

func (l *Lines) end() {
	l.Each(bytes.TrimSuffix(l.held, []byte("\r")), l.dropped)
	l.held, l.dropped = l.held[:0], 0
}

const (
	// tailLines and tailBytes bound what a Tail keeps: so many lines, so many bytes of each. The trace of an exception in
	// Node, ten frames below what went wrong, has room.
	tailLines = 20
	tailBytes = 300
)

// Tail keeps the last lines of a stream, for errors. It is safe for concurrent use.
type Tail struct {
	mu    sync.Mutex
	lines []string
}

// Add takes a line; one that is empty is not kept.
func (t *Tail) Add(line []byte) {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return
	}
	text := Printable(line, tailBytes)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == tailLines {
		t.lines = slices.Delete(t.lines, 0, 1)
	}
	t.lines = append(t.lines, text)
}

// Last joins the last n lines, the oldest first.
func (t *Tail) Last(n int, separator string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines[max(0, len(t.lines)-n):], separator)
}

// LastWords is the last line that may say what went wrong, "" where there is none. Of an exception in Node that is the line
// above its frames, not its version, which is the last one.
func (t *Tail) LastWords() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range slices.Backward(t.lines) {
		if !strings.HasPrefix(line, "at ") && !strings.HasPrefix(line, "Node.js v") && strings.Trim(line, "{}[]()^~ ") != "" {
			return line
		}
	}
	return ""
}

// Printable is outside text for a log or an error: at most so many bytes of it, with nothing that a terminal obeys.
func Printable(text []byte, most int) string {
	cut := ""
	if len(text) > most {
		text, cut = text[:most], "…"
	}
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(string(text), "\uFFFD")) + cut
}
