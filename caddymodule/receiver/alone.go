package receiver

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// standingAlone has the one budget of all verifiers in configs without the app, also while a reload has two configs.
var standingAlone = caddy.NewUsagePool()

const aloneKey = "verifiers"

// alone is what verifiers share where the config has no app.
type alone struct {
	// bodies is the memory that bodies in arrival may take together.
	bodies *arrivals.Budget
	// warned are the servers whose mistakes were said.
	warned app.Warned
}

// Destruct is called when the last reference is gone.
func (*alone) Destruct() error { return nil }

// release gives a reference back.
func (a *alone) release() error {
	if a == nil {
		return nil
	}
	_, err := standingAlone.Delete(aloneKey)
	return err
}

// standAlone counts for nobody but the verifier's own log lines.
func (v *Verifier) standAlone(tokens []string) error {
	shared, _, err := standingAlone.LoadOrNew(aloneKey, func() (caddy.Destructor, error) {
		return &alone{bodies: arrivals.New(arrivals.DefaultLimit)}, nil
	})
	if err != nil {
		return fmt.Errorf("sharing the memory for bodies: %w", err)
	}
	v.alone, _ = shared.(*alone)
	v.bodies = v.alone.bodies
	v.stages = new(stage.Switch)
	v.stages.Set(stage.Default)
	counts := &traffic.Counters{Since: time.Now()}
	v.countIn(counts, tokens)
	counts.PutInForce(traffic.Accepted{v.Source: {v.tokens}})
	return nil
}
