package app

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/alert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/metrics"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/schema"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/recentlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traceexport"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/vehicles"
)

// engines holds the engines of this process by the key of their storage, so that two
// configs which exist at once, as at every reload, share one. The app and every
// receiver hold a reference of their own: apps start and stop in any order.
var engines = caddy.NewUsagePool()

// sharedEngine is what outlives a config.
type sharedEngine struct {
	engine   *engine.Engine
	log      *logSwitch
	stages   *stage.Switch
	counts   *traffic.Counters
	letters  *status.DeadLetterWatch
	headroom *status.HeadroomWatch
	bodies   *arrivals.Budget
	nonces   *selfcheck.Nonces
	metrics  *metrics.Metrics
	// recent keeps the last lines of this module's logs.
	recent *recentlog.Log
	// alerts tells people, and knows what it has told them.
	alerts *alert.Watch
	// vehicles and schema hear of each new event.
	vehicles *vehicles.Watch
	schema   *schema.Watch
	// quarantine keeps refused requests.
	quarantine *quarantine.Store

	mu      sync.Mutex
	configs []startedConfig       // the newest last
	spans   *traceexport.Exporter // of deliveries; nil until a config asks for it
}

// newSharedEngine returns all but the engine itself. dir is that of the buffer on this machine, "" where it has none.
func newSharedEngine(log slog.Handler, dir string, loss *lossclock.Clock) *sharedEngine {
	s := &sharedEngine{
		log:      newLogSwitch(log),
		stages:   new(stage.Switch),
		counts:   &traffic.Counters{Since: time.Now(), Loss: loss},
		letters:  new(status.DeadLetterWatch),
		headroom: new(status.HeadroomWatch),
		bodies:   arrivals.New(arrivals.DefaultLimit),
		nonces:   new(selfcheck.Nonces),
		metrics:  metrics.New(),
		recent:   recentlog.New(),
		schema:   schema.New(),
	}
	s.vehicles = vehicles.New(dir, slog.New(s.log.handler()))
	s.quarantine = quarantine.New(dir, slog.New(s.log.handler()))
	s.alerts = alert.New(s.status, slog.New(s.log.handler()))
	return s
}

// startedConfig is what the engine takes over from a config while it is the newest.
type startedConfig struct {
	owner      any
	log        slog.Handler
	stages     stage.Set
	opener     buffer.Opener
	bodyMemory int64
	// metrics: they are on.
	metrics  bool
	tracing  bool
	alerts   alert.Config
	vehicles vehicles.Settings
	// accepted are the tokens of its receivers, once they are provisioned.
	accepted traffic.Accepted
	// quarantine and keys are what is kept of refused requests, and the tokens that count.
	quarantine quarantine.Settings
	keys       *keyring.Ring
}

// apply puts in force what the engine takes over from a config. mu is held.
func (s *sharedEngine) apply(c *startedConfig) {
	s.log.set(c.log)
	s.stages.Set(c.stages)
	s.bodies.SetLimit(c.bodyMemory)
	s.metrics.Switch(c.metrics)
	s.setTracing(c.tracing)
}

// started puts in force what would tell people something, or delete something, for a config that is refused after all.
func (s *sharedEngine) started(owner any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := len(s.configs) - 1; i >= 0 && s.configs[i].owner == owner {
		s.alerts.Configure(s.configs[i].alerts)
		s.vehicles.Set(s.configs[i].vehicles)
		s.quarantine.Set(s.configs[i].quarantine, s.configs[i].keys)
		if i == 0 {
			s.counts.PutInForce(s.configs[i].accepted) // else once the one before leaves: nothing brings back what is forgotten
		}
	}
}

// enter makes a config the newest, whose logger and stages are used. A config that has entered stays where it is.
func (s *sharedEngine) enter(c startedConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.configs, func(other startedConfig) bool { return other.owner == c.owner }) {
		return
	}
	s.configs = append(s.configs, c)
	s.apply(&c)
}

// leave forgets a config. If it was the newest, Caddy has taken it back or is stopping: the
// one before, if any, is in force again.
func (s *sharedEngine) leave(owner any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.configs, func(c startedConfig) bool { return c.owner == owner })
	if i < 0 {
		return nil
	}
	newest := i == len(s.configs)-1
	s.configs = slices.Delete(s.configs, i, i+1)
	switch {
	case !newest:
		// The newest has taken its place: it is in force for good, and its tokens are those that count.
		s.counts.PutInForce(s.configs[len(s.configs)-1].accepted)
		return nil
	case len(s.configs) == 0:
		s.alerts.Configure(alert.Config{})
		return nil
	}
	c := s.configs[len(s.configs)-1]
	s.apply(&c)
	s.alerts.Configure(c.alerts)
	s.vehicles.Set(c.vehicles)
	s.counts.PutInForce(c.accepted) // as before; what was known of other tokens goes
	s.quarantine.Set(c.quarantine, c.keys)
	return s.engine.Reconfigure(c.opener)
}

// newest returns the app of the newest config, nil if there is none.
func (s *sharedEngine) newest() *App {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.configs) == 0 {
		return nil
	}
	app, _ := s.configs[len(s.configs)-1].owner.(*App)
	return app
}

// Destruct is called when the last reference is gone.
func (s *sharedEngine) Destruct() error {
	defer s.endTracing()
	s.alerts.Stop()
	return s.engine.Destruct()
}

// Engine returns the engine that is referred to.
func (s *sharedEngine) Engine() *engine.Engine { return s.engine }

// Traffic returns the counters that belong to the engine.
func (s *sharedEngine) Traffic() *traffic.Counters { return s.counts }

// Bodies returns the memory that the receivers share for bodies in arrival.
func (s *sharedEngine) Bodies() *arrivals.Budget { return s.bodies }

// Metrics returns those that belong to the engine.
func (s *sharedEngine) Metrics() *metrics.Metrics { return s.metrics }

// Stages says which steps of an event are logged under the newest config.
func (s *sharedEngine) Stages() *stage.Switch { return s.stages }

// Quarantine returns what keeps refused requests.
func (s *sharedEngine) Quarantine() *quarantine.Store { return s.quarantine }

// Nonces returns those of the self-check.
func (s *sharedEngine) Nonces() *selfcheck.Nonces { return s.nonces }

// Recent returns the last lines of this module's logs.
func (s *sharedEngine) Recent() *recentlog.Log { return s.recent }

// EngineRef is one reference. Releasing it more than once, or without having got it,
// does nothing: Caddy calls Cleanup after a failed Provision too.
type EngineRef struct {
	*sharedEngine
	key string
}

// acquire takes a reference, making the engine when there is none. Making one
// touches neither disk nor processes.
func acquire(
	opener buffer.Opener, log *slog.Logger, create func(*sharedEngine, *slog.Logger) *engine.Engine,
) (*EngineRef, error) {
	key, loss := opener.Key(), lossClock()
	v, _, err := engines.LoadOrNew(key, func() (caddy.Destructor, error) {
		s := newSharedEngine(log.Handler(), localDir(opener), loss)
		s.engine = create(s, slog.New(s.log.handler()))
		return s, nil
	})
	if err != nil {
		return nil, fmt.Errorf("making the engine: %w", err)
	}
	return &EngineRef{sharedEngine: v.(*sharedEngine), key: key}, nil
}

// Release gives the reference back.
func (r *EngineRef) Release() error {
	if r == nil || r.key == "" {
		return nil
	}
	key := r.key
	r.key = ""
	if _, err := engines.Delete(key); err != nil {
		return fmt.Errorf("closing the engine: %w", err)
	}
	return nil
}
