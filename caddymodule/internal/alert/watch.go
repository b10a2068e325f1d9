package alert

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// StatusFunc returns how things stand, and reports whether it can be said.
type StatusFunc func(ctx context.Context) (api.Status, bool)

// Watch looks at the status and tells people. It outlives reloads: each config that comes into force configures it, and
// nothing is said again for that. It is ready for use.
type Watch struct {
	log    *slog.Logger
	status StatusFunc
	host   string

	mu      sync.Mutex
	config  Config
	stand   standing
	sources []string
	peers   map[string]*peer // by the key of their target
	// retired are keys of targets that no config in force has, the oldest first.
	retired  []string
	messages []api.AttentionMessage

	// looking: a look at the status is under way, since began.
	looking bool
	began   time.Time

	run     sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
	started bool
}

// peer is a target, and what its people know.
type peer struct {
	Target
	ledger ledger
	pace   pace
	// sending: a message is under way.
	sending bool
}

// New returns a watch that does nothing before it is configured.
func New(status StatusFunc, log *slog.Logger) *Watch {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "a machine without a name"
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Watch{
		log: log, status: status, host: text.Shorten(host, 80), peers: map[string]*peer{}, ctx: ctx, cancel: cancel,
	}
}

// Configure puts a config in force. Whoever was told before by a target that stays knows it; what failed is tried at
// once.
func (w *Watch) Configure(c Config) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.config = c
	in := map[string]bool{}
	for _, t := range c.Targets {
		in[t.Key] = true
		p := w.peers[t.Key]
		if p == nil {
			p = &peer{ledger: ledger{told: map[string]*told{}}}
			w.peers[t.Key] = p
		}
		p.Target, p.pace.next = t, time.Time{}
	}
	w.retire(in)
	if len(c.Targets) > 0 && !w.started && w.ctx.Err() == nil {
		w.started = true
		w.run.Go(w.loop)
	}
}

// retire notes which targets are not in force, and forgets those that have not been for the longest.
func (w *Watch) retire(in map[string]bool) {
	w.retired = slices.DeleteFunc(w.retired, func(key string) bool { return in[key] })
	for _, key := range slices.Sorted(maps.Keys(w.peers)) {
		if !in[key] && !slices.Contains(w.retired, key) {
			w.retired = append(w.retired, key)
		}
	}
	for len(w.retired) > mostRetired {
		delete(w.peers, w.retired[0])
		w.retired = w.retired[1:]
	}
}

// Stop ends it, and messages under way. It waits for these, but not for a status that hangs.
func (w *Watch) Stop() {
	w.mu.Lock()
	w.cancel()
	w.mu.Unlock()
	w.run.Wait()
}

// loop looks again and again.
func (w *Watch) loop() {
	for {
		w.look()
		w.mu.Lock()
		pause := w.config.look()
		w.mu.Unlock()
		timer := time.NewTimer(pause)
		select {
		case <-w.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// lookTimeout is how long the status may take.
const lookTimeout = 10 * time.Second

// look asks for the status and sends what is due. A status that hangs, as the disk may, is something to tell as well:
// it is asked in a goroutine of its own, and by one at a time.
func (w *Watch) look() {
	w.mu.Lock()
	if len(w.config.Targets) == 0 {
		w.mu.Unlock()
		return
	}
	now := time.Now()
	if w.looking {
		if stuck := now.Sub(w.began); stuck >= lookTimeout {
			w.takeSilence(now, stuck)
		}
		w.mu.Unlock()
		return
	}
	w.looking, w.began = true, now
	w.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(w.ctx, lookTimeout)
		defer cancel()
		v, ok := w.status(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.looking = false
		if ok && w.ctx.Err() == nil {
			w.take(time.Now(), &v)
		}
	}()
	timer := time.NewTimer(lookTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-w.ctx.Done():
	}
}

// take goes by a status. w.mu is held.
func (w *Watch) take(now time.Time, v *api.Status) {
	if v.Receiving.State == "closed" {
		return // Caddy is stopping, and all that is gone is gone for that
	}
	w.sources = w.sources[:0:0]
	for i := range v.Sources {
		w.sources = append(w.sources, v.Sources[i].Name)
	}
	w.tell(now, v.Attention)
}

// takeSilence goes by a status that does not come. w.mu is held.
func (w *Watch) takeSilence(now time.Time, stuck time.Duration) {
	list := []api.Attention{{
		Kind: api.StatusSilent, Level: api.LevelError,
		What: "how things stand cannot be found out: the status has not answered for " + text.Duration(stuck),
		Do:   "look whether the disk hangs, and at Caddy's log",
	}}
	for _, it := range w.stand.items {
		if it.Kind != api.StatusSilent {
			list = append(list, it.Attention)
		}
	}
	w.tell(now, list)
}

// tell sends what is due to each target that can have a message now. w.mu is held.
func (w *Watch) tell(now time.Time, list []api.Attention) {
	rules := w.config.Rules
	w.stand.look(now, list, rules.hold())
	for _, t := range w.config.Targets {
		p := w.peers[t.Key]
		p.ledger.look(&w.stand, rules)
		if p.sending || w.ctx.Err() != nil {
			continue
		}
		due := p.ledger.due(&w.stand, rules, p.Name)
		if len(due) == 0 {
			p.pace.settle(now)
			continue
		}
		if !p.pace.may(now, rules) {
			continue
		}
		p.sending = true
		sender, total := p.Sender, w.stand.count(rules)
		m, err := compose(now, w.place(), due, total)
		w.run.Go(func() { w.send(p, sender, m, err, due) })
	}
}

func (w *Watch) place() place { return place{w.host, w.sources} }

// send sends one message, and notes what came of it.
func (w *Watch) send(p *peer, sender send.Sender, m send.Message, err error, said []entry) {
	if err == nil {
		err = sender.Send(w.ctx, m)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.sending = false
	now := time.Now()
	switch {
	case err == nil:
		p.ledger.note(now, said, w.config.Rules)
		w.noteSent(p, now, m.Title)
	case w.ctx.Err() != nil:
	default:
		w.noteFailed(p, now, err)
	}
}

// noteSent notes a message that got through. w.mu is held.
func (w *Watch) noteSent(p *peer, now time.Time, title string) {
	if p.pace.failures > 0 {
		w.log.Info("messages about what needs attention get through again", slog.String("target", p.Name),
			slog.Duration("after", now.Sub(p.pace.failing).Round(time.Second)))
	}
	p.pace.through(now)
	w.messages = append(w.messages, api.AttentionMessage{At: now.UTC(), Target: p.Name, Title: title})
	if len(w.messages) > mostRemembered {
		w.messages = slices.Delete(w.messages, 0, 1)
	}
}

// noteFailed notes a message that did not. The first in a row has a line in the log, and each that comes when the
// pauses have reached their full length. w.mu is held.
func (w *Watch) noteFailed(p *peer, now time.Time, err error) {
	p.pace.fail(now, err, w.config.Rules)
	if p.pace.failures == 1 || p.pace.next.Sub(now) >= longestPause {
		w.log.Error("a message about what needs attention did not get through", slog.String("target", p.Name),
			slog.String("error", err.Error()), slog.Int("in_a_row", p.pace.failures),
			slog.Time("next_try", p.pace.next),
			slog.String("do", "put it right, then: caddy smartcar attention test"))
	}
}
