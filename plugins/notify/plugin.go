// Package notify is the bundled plugin that tells people of errors of vehicles, and of conditions. Its README describes
// the config, the templates and what becomes of events.
package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/ownfile"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// maxBatch events share one write and one sync of the state file.
const maxBatch = 50

// Plugin is the plugin "notify".
func Plugin() *sdk.Plugin { return sdk.NewBatch("notify", open, sdk.WithMaxBatch(maxBatch)) }

// handler is one open handler.
type handler struct {
	config    config
	name      string
	code      string
	log       *slog.Logger
	templates *templates
	targets   []*target
	state     *state
	trouble   trouble
	// held wakes the goroutine that sends digests.
	held chan struct{}

	// isOpen is closed when the state file is open; why is why it is not.
	isOpen chan struct{}
	mu     sync.Mutex
	why    error
	// failing limits what is logged of templates that cannot be run.
	failing sync.Once
}

func open(ctx context.Context, c config) (sdk.BatchHandler, error) {
	h, err := newHandler(c, sdk.HandlerName(ctx), sdk.Logger(ctx))
	if err != nil {
		return nil, err
	}
	h.trouble = reportIn(ctx)
	running, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { h.run(running) })
	sdk.OnClose(ctx, func(context.Context) error {
		stop()
		done.Wait()
		return h.close()
	})
	return h.handle, nil
}

// newHandler makes a handler, and opens its state file unless another process has it still.
func newHandler(c config, name string, log *slog.Logger) (*handler, error) {
	h := &handler{config: c, name: name, code: c.Code, log: log, held: make(chan struct{}, 1), isOpen: make(chan struct{})}
	if h.code == "" {
		h.code = name
	}
	// Validate has refused what would be an error here.
	h.targets, _ = c.targets()
	h.templates, _ = newTemplates(c)
	h.state = &state{
		policy: policy{window: c.Window, resolved: c.Resolved}, rate: c.rate(), keep: c.Keep, mostKeys: mostKeys,
	}
	if err := ownfile.Check(c.State, 0); err != nil {
		return nil, sdk.ConfigError("state", "The state file cannot be opened", err.Error())
	}
	db, err := openState(c.State, lockWait)
	switch {
	case err == nil:
		h.opened(db)
	case isLocked(err):
		h.notOpened(err)
	default:
		return nil, sdk.ConfigError("state", "The state file cannot be opened",
			err.Error()+". If it is damaged, move it away: what is open is told once more then.")
	}
	return h, nil
}

func (h *handler) opened(db *bolt.DB) {
	h.state.db = db
	close(h.isOpen)
}

func (h *handler) notOpened(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if isLocked(err) {
		err = errLocked
	}
	h.why = err
}

// await waits for the state file.
func (h *handler) await(ctx context.Context) error {
	select {
	case <-h.isOpen:
		return nil
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.why
	}
}

func (h *handler) close() error {
	if h.state.db == nil {
		return nil
	}
	return h.state.db.Close()
}

// early is a context that ends before another, so that there is time to answer the host: a late answer counts as an
// attempt.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*4/5)
}
