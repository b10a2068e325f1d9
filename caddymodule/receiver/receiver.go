// Package receiver is the Caddy handler `smartcar_webhook`: it verifies, stores and answers
// one webhook at a time.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"golang.org/x/time/rate"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/metrics"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Defaults and bounds of a receiver.
const (
	defaultMaxSize      = 256 << 10
	smallestMaxSize     = 1 << 10
	largestMaxSize      = 16 << 20
	defaultStoreTimeout = 5 * time.Second
	defaultReadTimeout  = 8 * time.Second
	// smartcarTimeout is how long Smartcar waits for an answer.
	smartcarTimeout = 15 * time.Second
	// largestVerify bounds the unsigned bodies that are parsed at all. A VERIFY has
	// about 400 bytes.
	largestVerify = 16 << 10
)

func init() {
	caddy.RegisterModule(new(Receiver))
	httpcaddyfile.RegisterHandlerDirective(directiveName, parseDirective)
	httpcaddyfile.RegisterDirectiveOrder(directiveName, httpcaddyfile.Before, "respond")
}

// Receiver takes Smartcar's webhooks: it checks the signature over the raw bytes,
// stores the event in the buffer of the app `smartcar`, and answers 200 once it is
// durable. Anything else gets another status, so that Smartcar sends it again. It
// also answers the VERIFY requests by which Smartcar checks a callback address.
//
// It never calls the next handler.
//
// These placeholders are set for access logs and error routes:
//
// Placeholder | Description
// ------------|-------------
// `{http.smartcar.outcome}` | `stored`, `duplicate`, `verified`, `unreadable`, or `refused:` and the code of the answer
// `{http.smartcar.event_id}` | The event's id; empty before the signature was right
// `{http.smartcar.event_type}` | Such as `VEHICLE_STATE`; empty before the signature was right, but `VERIFY` for a VERIFY, which needs no signature
// `{http.smartcar.vehicle_id}` | Smartcar's id of the vehicle; empty where there is none
// `{http.smartcar.token}` | The number of the token that matched, from 1; empty where none did
type Receiver struct {
	// The name under which events are stored and deduplicated, and which handlers see
	// as `event.source`: one per Smartcar application or environment. Letters, digits,
	// `.`, `_` and `-`, at most 64. Default: `default`.
	Source string `json:"source,omitempty"`

	// The Application Management Tokens whose signatures are accepted. The first one
	// also answers VERIFY requests. Give two during a rotation, the new one first.
	// Placeholders are replaced when the config is loaded: `{env.SMARTCAR_TOKEN}`,
	// `{file./run/secrets/smartcar}`. At least one is needed; each has at least 16
	// characters and appears once.
	Tokens []string `json:"tokens,omitempty"`

	// The largest body in bytes; a larger one is refused with 413. Smartcar's own limit
	// is 50 kB. From 1 KiB to 16 MiB. Default: 262144 (256 KiB).
	MaxSize int64 `json:"max_size,omitempty"`

	// How long the body may take to arrive before it is refused with 408. Together with
	// store_timeout less than the 15 s after which Smartcar gives up. Default: 8s.
	ReadTimeout caddy.Duration `json:"read_timeout,omitempty"`

	// How long storing may take before the request is answered with 503. Together with
	// read_timeout less than the 15 s after which Smartcar gives up. Default: 5s.
	StoreTimeout caddy.Duration `json:"store_timeout,omitempty"`

	// What becomes of deliveries that were sent too long ago, and may be repetitions. Default: nothing is looked at.
	MaxAge *MaxAge `json:"max_age,omitempty"`

	// Which VERIFY requests are answered.
	Verify *Verify `json:"verify,omitempty"`

	keys      *smartcar.Keys
	challenge smartcar.ChallengeRule
	// VERIFY requests with a right signature have buckets of their own, which those
	// without, that anybody can send, do not empty.
	verifies, signedVerifies *verifyLimit
	store                    appender
	// age is nil where the age of deliveries is not looked at.
	age         *ageLimit
	ref         *app.EngineRef
	counts      *traffic.Source
	observed    *metrics.Source
	bodies      *arrivals.Budget
	nonces      *selfcheck.Nonces
	config      *app.App
	connections *traffic.ConnectionCounters
	// quarantine is nil where there is none, as in tests.
	quarantine *quarantine.Store
	log        *slog.Logger
	stages     *stage.Switch
	limits     logLimits
	scratches  scratchPool
	// tokens are what is known of the use of each token.
	tokens []*traffic.Token
	// looks limits how often a refused body is looked at.
	looks *rate.Limiter
}

// appender is what a receiver needs of the engine.
type appender interface {
	Append(ctx context.Context, e *buffer.Event) (buffer.Receipt, error)
}

// CaddyModule returns the Caddy module information.
func (*Receiver) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.smartcar_webhook",
		New: func() caddy.Module { return new(Receiver) },
	}
}

// Provision checks the config, expands the tokens and takes a reference to the
// engine. It touches neither disk nor processes.
func (rc *Receiver) Provision(ctx caddy.Context) error {
	tokens, err := rc.configure()
	if err != nil {
		return err
	}
	rc.log = ctx.Slogger()
	mod, err := ctx.App(app.Name)
	if err != nil {
		return err
	}
	smartcarApp, ok := mod.(*app.App)
	if !ok {
		return fmt.Errorf("app %q is a %T, which this receiver does not know", app.Name, mod)
	}
	if err := smartcarApp.CheckBody(rc.MaxSize); err != nil {
		return err
	}
	rc.ref, err = smartcarApp.Acquire()
	if err != nil {
		return err
	}
	for i, configured := range rc.Tokens {
		smartcarApp.NoteTokenFiles(configured, tokens[i])
	}
	rc.log = slog.New(rc.ref.Recent().Handler(rc.log.Handler(), string(rc.CaddyModule().ID)))
	rc.store = rc.ref.Engine()
	if rc.MaxAge.on() {
		rc.age = &ageLimit{
			limit: time.Duration(rc.MaxAge.Limit), refuses: rc.MaxAge.refuses(), events: rc.ref.Engine(),
			now: time.Now, begun: rc.ref.Traffic().Since,
		}
	}
	rc.counts = rc.ref.Traffic().Source(rc.Source)
	rc.tokens = rc.ref.Traffic().Tokens(rc.Source, tokens)
	rc.observed = rc.ref.Metrics().Source(rc.Source)
	rc.connections = &rc.ref.Traffic().Connections
	rc.bodies = rc.ref.Bodies()
	rc.nonces, rc.config = rc.ref.Nonces(), smartcarApp
	rc.stages = rc.ref.Stages()
	rc.quarantine = rc.ref.Quarantine()
	return smartcarApp.Join(ctx, app.Member{
		Source: rc.Source, Keys: rc.keys, Tokens: rc.tokens, StoreTimeout: time.Duration(rc.StoreTimeout),
		MaxAge: rc.maxAge(), RefusesOld: rc.MaxAge.refuses(),
	})
}

// configure fills in defaults, checks the values and prepares what depends on them. It returns the tokens without their
// placeholders.
func (rc *Receiver) configure() (tokens []string, err error) {
	rc.setDefaults()
	if err := rc.check(); err != nil {
		return nil, err
	}
	tokens, err = expandTokens(rc.Tokens, rc.Source)
	if err != nil {
		return nil, err
	}
	rc.keys = smartcar.NewKeys(tokens...)
	rc.challenge = rc.Verify.rule()
	rc.verifies, rc.signedVerifies = rc.Verify.limiter(), rc.Verify.limiter()
	rc.looks = rate.NewLimiter(looksPerSecond, looksAtOnce)
	return tokens, nil
}

func (rc *Receiver) setDefaults() {
	if rc.Source == "" {
		rc.Source = app.DefaultSource
	}
	if rc.MaxSize == 0 {
		rc.MaxSize = defaultMaxSize
	}
	if rc.ReadTimeout == 0 {
		rc.ReadTimeout = caddy.Duration(defaultReadTimeout)
	}
	if rc.StoreTimeout == 0 {
		rc.StoreTimeout = caddy.Duration(defaultStoreTimeout)
	}
	if rc.Verify == nil {
		rc.Verify = new(Verify)
	}
	rc.Verify.setDefaults()
}

// check is called with the defaults filled in.
func (rc *Receiver) check() error {
	return errors.Join(
		checkSource(rc.Source),
		checkMaxSize(rc.MaxSize),
		rc.checkTimeouts(),
		rc.MaxAge.check(),
		rc.Verify.check(),
	)
}

var sourcePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkSource(source string) error {
	if !sourcePattern.MatchString(source) {
		return fmt.Errorf("source %q: must be 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first%s", source, directive.PlaceholderHint(source))
	}
	return nil
}

func checkMaxSize(size int64) error {
	if size < smallestMaxSize || size > largestMaxSize {
		return fmt.Errorf("max_size %d: must be 1KiB to 16MiB", size)
	}
	return nil
}

func checkTimeout(name string, d caddy.Duration) error {
	if d <= 0 || time.Duration(d) >= smartcarTimeout {
		return fmt.Errorf("%s %s: must be more than 0 and less than the %s that Smartcar waits",
			name, time.Duration(d), smartcarTimeout)
	}
	return nil
}

// checkTimeouts is called with the defaults filled in. One follows the other, and an
// answer that comes after Smartcar has gone is none.
func (rc *Receiver) checkTimeouts() error {
	err := errors.Join(checkTimeout("read_timeout", rc.ReadTimeout), checkTimeout("store_timeout", rc.StoreTimeout))
	if err != nil {
		return err
	}
	if sum := time.Duration(rc.ReadTimeout) + time.Duration(rc.StoreTimeout); sum >= smartcarTimeout {
		return fmt.Errorf("read_timeout %s and store_timeout %s come to %s: together they must be less than the %s that Smartcar waits"+
			" (without a line they are %s and %s)", time.Duration(rc.ReadTimeout), time.Duration(rc.StoreTimeout), sum, smartcarTimeout,
			defaultReadTimeout, defaultStoreTimeout)
	}
	return nil
}

// Cleanup gives the engine back. Requests of this receiver may outlive it: they then
// use the engine of the next config, or get 503 when there is none.
func (rc *Receiver) Cleanup() error {
	return rc.ref.Release()
}

// Interface guards.
var (
	_ caddy.Module                = (*Receiver)(nil)
	_ caddy.Provisioner           = (*Receiver)(nil)
	_ caddy.CleanerUpper          = (*Receiver)(nil)
	_ caddyhttp.MiddlewareHandler = (*Receiver)(nil)
)
