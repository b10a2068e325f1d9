package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// ErrClosed says that the handler's jobs have ended with its dispatcher: they go on
// with the next one.
var ErrClosed = errors.New("replays are closed")

// ErrTooMany says that the handler has as many jobs running as it may have.
var ErrTooMany = errors.New("too many replays")

// Bounds on the jobs of one handler.
const (
	keepEnded  = 20 // those that ended first are forgotten
	maxRunning = 20
)

// Source is what jobs read from a buffer.Buffer.
type Source interface {
	Events(ctx context.Context, r buffer.Range) iter.Seq2[buffer.Event, error]
	States(ctx context.Context, position uint64) ([]buffer.State, error)
	DeadLetters(ctx context.Context, after buffer.DeadLetterID) iter.Seq2[buffer.DeadLetter, error]
	DeadLetter(ctx context.Context, id buffer.DeadLetterID) (buffer.DeadLetter, error)
	DeadLettersEnd() buffer.DeadLetterID
}

// Feeder puts events back for delivery; see dispatch.Dispatcher.
type Feeder interface {
	Reopen(ctx context.Context, items []dispatch.Reopening, memo *buffer.Memo) error
}

// Config is what the jobs of one handler work with.
type Config struct {
	Handler  string
	Source   Source
	Consumer buffer.Consumer // the handler's, for memos
	Feeder   Feeder
	// Ready blocks until Wanted knows, as the handler's plugin does once it is up, or ctx
	// ends; nil: it knows at once.
	Ready func(ctx context.Context) error
	// Wanted reports whether the handler is to have an event; nil: all. It is called
	// concurrently.
	Wanted func(*buffer.Event) bool
	// Log takes what happens; nil: nothing is logged.
	Log *slog.Logger
}

// Jobs are the replays of one handler while it is at work. Safe for concurrent use.
type Jobs struct {
	cfg Config
	log *slog.Logger

	// feeding ends when Close is called, storing when the context of Wait ends.
	feeding, storing             context.Context
	cancelFeeding, cancelStoring context.CancelFunc

	mu     sync.Mutex
	jobs   map[string]*entry
	claims claims
	closed bool
	work   sync.WaitGroup
}

// entry is one job. Its memo has one writer: the goroutine that runs it or, while none
// does, who holds changing.
type entry struct {
	changing sync.Mutex // serialises Stop and Resume

	// All below is guarded by Jobs.mu.

	job     Job
	stop    context.CancelCauseFunc // nil while no goroutine runs it
	ended   chan struct{}           // closed when that goroutine ended
	saveErr error                   // why its last state is not durable
}

// Load reads the jobs that a consumer keeps. What cannot be read is logged and left
// where it is.
func Load(ctx context.Context, c buffer.Consumer, log *slog.Logger) ([]Job, error) {
	var jobs []Job
	for memo, err := range c.Memos(ctx, memoPrefix) {
		if err != nil && memo.Key == "" {
			return nil, fmt.Errorf("reading the handler's replays: %w", err)
		}
		var job Job
		if err == nil {
			job, err = decode(memo.Value)
		}
		if err != nil {
			log.Warn("a replay is left alone", "key", memo.Key, "error", err)
			continue
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// Start lets those jobs go on that are running, until Close.
func Start(cfg Config, loaded []Job) *Jobs {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	j := &Jobs{cfg: cfg, log: cfg.Log.With("handler", cfg.Handler), jobs: map[string]*entry{}, claims: claims{}}
	j.feeding, j.cancelFeeding = context.WithCancel(context.Background())
	j.storing, j.cancelStoring = context.WithCancel(context.Background())
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, job := range loaded {
		e := &entry{job: job}
		j.jobs[job.ID] = e
		if job.State == StateRunning {
			j.log.Info("a replay goes on", "replay", job.ID, "fed", job.Fed)
			j.begin(e)
		}
	}
	return j
}

// Close makes the jobs end where they are. They are still running: the next Start
// takes them up.
func (j *Jobs) Close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.cancelFeeding()
}

// Wait returns when, after Close, nothing runs any more. A step that is being stored
// is given up when ctx ends; whether it is durable shows at the next Load.
func (j *Jobs) Wait(ctx context.Context) {
	defer context.AfterFunc(ctx, j.cancelStoring)()
	j.work.Wait()
	j.cancelStoring()
}

// List returns all jobs as they stand, the oldest first.
func (j *Jobs) List() []Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	jobs := make([]Job, 0, len(j.jobs))
	for _, e := range j.jobs {
		jobs = append(jobs, e.job)
	}
	Sort(jobs)
	return jobs
}

// Sort puts jobs in the order of creation.
func Sort(jobs []Job) {
	slices.SortFunc(jobs, func(a, b Job) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
}
