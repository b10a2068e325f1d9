package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/child"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

const (
	// maxLogLine bounds a line of the program on stderr.
	maxLogLine = 16 << 10
	// maxShown bounds what is shown of a line that is no answer.
	maxShown = 200
	// maxWaiting bounds how many ids of batches that wait are shown.
	maxWaiting = 20
)

var errEnded = errors.New("the program has ended")

// program is the user's program while it runs, and the batches that it has.
type program struct {
	name string
	log  *slog.Logger
	self process
	proc *child.Process
	tail child.Tail
	// lines are on their way to the program's stdin.
	lines chan *batch
	// ended is closed when the program is gone and its last words are read.
	ended chan struct{}

	mu      sync.Mutex
	next    uint64
	pending map[uint64]*batch
	// closing: the program is asked to end, so its end is no crash. isReady: its first line has been answered well.
	// isOver: it has ended.
	closing, isReady, isOver bool
	// hung: it was killed because it answered nothing.
	hung bool
	// garbage counts the lines on stdout that were no answers, strays the answers with an id that no batch has.
	garbage, strays int
	// heard is when the program last answered a batch, also one that had run out of time; expired is when a batch ran
	// out of time with nothing heard since it was sent, zero while there is none.
	heard, expired time.Time
}

// batch is one line that waits for its answer.
type batch struct {
	id     uint64
	line   []byte
	events int
	sent   time.Time
	// answered gets the answer, or why there is none; it has room for it.
	answered chan reply
}

type reply struct {
	results []result
	line    []byte // of the first batch
	err     error
}

func newProgram(name string, log *slog.Logger, self process) *program {
	return &program{
		name: name, log: log, self: self,
		lines: make(chan *batch), ended: make(chan struct{}), pending: map[uint64]*batch{},
	}
}

func (p *program) start(spec child.Spec) error {
	stdout := &child.Lines{Max: maxLine, Each: p.answer}
	stderr := &child.Lines{Max: maxLogLine, Each: p.logLine}
	spec.Stdout, spec.Stderr = stdout, stderr
	proc, err := child.Start(spec)
	if err != nil {
		return err
	}
	p.proc = proc
	go p.write()
	go p.watch(stdout, stderr)
	return nil
}

// logLine passes a line of the program's stderr on. The host bounds their rate and knows the level of records in JSON.
func (p *program) logLine(line []byte, _ int) {
	p.tail.Add(line)
	// A host that is gone reads no more.
	_, _ = p.self.stderr.Write(append(line, '\n'))
}

// write passes lines to the program, which may be slow to read them.
func (p *program) write() {
	for {
		select {
		case <-p.proc.Exited():
			return
		case b := <-p.lines:
			if _, err := p.proc.Stdin.Write(b.line); err != nil {
				// The program has closed its stdin, or has ended; its batches wait for their time or its end.
				p.log.Debug("writing to the program", "error", err)
			}
		}
	}
}

// watch waits for the program's end, which is that of the plugin too where nobody has asked for it.
func (p *program) watch(stdout, stderr *child.Lines) {
	<-p.proc.Done()
	stdout.Flush()
	stderr.Flush()
	p.mu.Lock()
	p.isOver = true
	crashed := p.isReady && !p.closing
	p.mu.Unlock()
	if crashed {
		// Before any call is answered: the host looks for the cause of a crash among the events that have no answer.
		p.crash()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, b := range p.pending {
		b.answered <- reply{err: errEnded}
		delete(p.pending, id)
	}
	close(p.ended)
}

// stopping says that the program is about to be asked to end.
func (p *program) stopping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
}

// greet sends the first line, and returns what the program says of itself.
func (p *program) greet(ctx context.Context, first firstLine, timeout time.Duration) (hello, error) {
	line, err := json.Marshal(first)
	if err != nil {
		return hello{}, fmt.Errorf("encoding the first line: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := p.send(ctx, 0, func(uint64) ([]byte, error) { return append(line, '\n'), nil })
	switch {
	case errors.Is(r.err, errEnded):
		<-p.ended
		return hello{}, fmt.Errorf("it ended: %s%s", p.proc.End(), p.lastLines())
	case errors.Is(r.err, context.DeadlineExceeded):
		return hello{}, fmt.Errorf("it did not answer its first line within %v: for each line that it reads on stdin it must "+
			"write one on stdout, and flush it%s%s", timeout, p.complaint(), p.lastLines())
	case r.err != nil:
		return hello{}, r.err
	}
	var h hello
	if err := json.Unmarshal(r.line, &h); err != nil {
		return hello{}, errors.New("its answer to the first line has a field of the wrong type; PROTOCOL.md describes them")
	}
	return h, nil
}

// ready says that from now on the program's end is a crash, also one that has come already.
func (p *program) ready() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isReady = true
	if p.isOver {
		go p.crash()
	}
}

// crash ends the plugin because the program has ended. The host takes this last record for why the process ended: what
// the program said is what helps, and not that the plugin exits with 1.
func (p *program) crash() {
	record, _ := json.Marshal(struct { // strings and a bool always can be encoded
		Level  string `json:"level"`
		Text   string `json:"msg"`
		Ending bool   `json:"smartcar_ending"`
	}{"error", p.ending(), true})
	_, _ = p.self.stderr.Write(append(record, '\n'))
	p.self.exit(1)
}

// ending says how the program ended, with its last words: python3 ended by itself: exit status 1: KeyError: 'limit'.
func (p *program) ending() string {
	p.mu.Lock()
	hung := p.hung
	p.mu.Unlock()
	text := p.name + " ended by itself: " + p.proc.End()
	if hung {
		text = p.name + " hung and was killed: it answered no batch while two ran out of time one after the other"
	}
	if last := p.tail.LastWords(); last != "" {
		text += ": " + last
	}
	return text
}

func (p *program) lastLines() string {
	last := p.tail.Last(10, "\n    ")
	if last == "" {
		return ""
	}
	return "; its last lines were:\n    " + last
}

func (p *program) complaint() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var text string
	if p.garbage > 0 {
		text = fmt.Sprintf("; it wrote %d lines on stdout that are no answers, which belong on stderr", p.garbage)
	}
	if p.strays > 0 {
		text += fmt.Sprintf("; it gave %d answers with an id that no batch has", p.strays)
	}
	return text
}

// ask gives the program a batch and returns one result for each event.
func (p *program) ask(ctx context.Context, events []*sdk.Event, raw bool) ([]result, error) {
	r := p.send(ctx, len(events), func(id uint64) ([]byte, error) { return batchLine(id, events, raw) })
	if errors.Is(r.err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("the program gave no answer in time%s: %w", p.complaint(), r.err)
	}
	return r.results, r.err
}

// send writes a line and waits for its answer, or for the end of ctx or of the program.
func (p *program) send(ctx context.Context, events int, encode func(id uint64) ([]byte, error)) reply {
	b := &batch{events: events, sent: time.Now(), answered: make(chan reply, 1)}
	p.mu.Lock()
	b.id = p.next
	p.next++
	p.mu.Unlock()
	var err error
	if b.line, err = encode(b.id); err != nil {
		return reply{err: sdk.Reject("unwritable", err)}
	}
	p.mu.Lock()
	p.pending[b.id] = b
	p.mu.Unlock()
	select {
	case p.lines <- b:
	case <-ctx.Done():
		return p.expire(ctx, b)
	case <-p.ended:
		return reply{err: errEnded}
	}
	select {
	case r := <-b.answered:
		return r
	case <-ctx.Done():
		return p.expire(ctx, b)
	case <-p.ended:
		select {
		case r := <-b.answered:
			return r
		default:
			return reply{err: errEnded}
		}
	}
}

// expire gives a batch up. A program of which nothing was heard while one batch ran out of time, and then nothing while
// one ran out that was sent after that, is taken for hung, and killed: that is a crash, so the host finds the event that
// is the cause, where timeouts would cost every event its attempts.
func (p *program) expire(ctx context.Context, b *batch) reply {
	p.mu.Lock()
	delete(p.pending, b.id)
	hung := false
	now := time.Now()
	if ranOut(ctx) && p.isReady && p.heard.Before(b.sent) {
		hung = !p.expired.IsZero() && b.sent.After(p.expired)
		p.hung = p.hung || hung
		if p.expired.IsZero() {
			p.expired = now
		}
	}
	p.mu.Unlock()
	if hung {
		p.log.Error("the program hangs: it answered no batch while two ran out of time one after the other; killed" + p.complaint())
		p.proc.Kill()
	}
	return reply{err: ctx.Err()}
}

// ranOut reports whether ctx ended for its deadline. The host's word that it gave up may come a little before.
func ranOut(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < 100*time.Millisecond
}

// answer takes a line of the program's stdout.
func (p *program) answer(line []byte, dropped int) {
	if len(line) == 0 {
		return
	}
	if dropped > 0 {
		p.refuse(fmt.Sprintf("a line of more than %d bytes", maxLine), line)
		return
	}
	a, ok, wrong := parseAnswer(line)
	if !ok {
		p.refuse("a line that is no answer", line)
		return
	}
	p.mu.Lock()
	b, waits := p.pending[*a.ID]
	known := *a.ID < p.next
	var waiting []uint64
	if known {
		p.heard, p.expired = time.Now(), time.Time{}
	} else {
		p.strays++
		waiting = slices.Sorted(maps.Keys(p.pending))
	}
	delete(p.pending, *a.ID)
	p.mu.Unlock()
	switch {
	case !known:
		p.log.Error("the program answered with an id that no batch has: an answer has the id of its batch",
			"line", child.Printable(line, maxShown), "waiting", waiting[:min(len(waiting), maxWaiting)])
	case !waits:
		p.log.Warn("the program answered a batch too late or twice; ignored", "id", *a.ID)
	case wrong != nil:
		b.answered <- reply{err: wrong}
	case len(a.Results) != b.events:
		b.answered <- reply{err: wrongNumber(len(a.Results), b.events)}
	case b.id == 0:
		b.answered <- reply{line: bytes.Clone(line)}
	default:
		b.answered <- reply{results: a.Results}
	}
}

// refuse says that the program wrote something that it should not on stdout.
func (p *program) refuse(what string, line []byte) {
	p.mu.Lock()
	p.garbage++
	p.mu.Unlock()
	p.log.Error("the program wrote "+what+" on stdout, which is for answers only: print on stderr",
		"line", child.Printable(line, maxShown))
}
