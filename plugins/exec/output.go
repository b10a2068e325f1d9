package exec

import (
	"fmt"
	"io"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
)

// output takes what one run prints: lines to the log, of which the last ones on stderr are the text of the error.
type output struct {
	log            io.Writer
	stdout, stderr child.Lines
	tail           child.Tail

	mu    sync.Mutex
	lines int
}

func newOutput(log io.Writer) *output {
	o := &output{log: log}
	o.stdout = child.Lines{Max: maxLine, Each: o.line}
	o.stderr = child.Lines{Max: maxLine, Each: func(line []byte, dropped int) {
		o.tail.Add(line)
		o.line(line, dropped)
	}}
	return o
}

// line passes a line on. The host bounds the rate of all, and knows the level of records in JSON.
func (o *output) line(line []byte, _ int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lines++; o.lines <= maxLines {
		// A host that is gone reads no more.
		_, _ = o.log.Write(append(line, '\n'))
	}
}

// end is called when the run has ended and all it wrote is read.
func (o *output) end() {
	o.stdout.Flush()
	o.stderr.Flush()
	if more := o.lines - maxLines; more > 0 {
		fmt.Fprintf(o.log, "[WARN] the command printed %d lines more than the %d that are logged of one run\n", more, maxLines)
	}
}

// last is the end of stderr, for an error.
func (o *output) last() string {
	if last := o.tail.Last(shownLines, " | "); last != "" {
		return ": " + last
	}
	return ""
}
