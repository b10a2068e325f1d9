package receiver

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/time/rate"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/arrivals"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/metrics"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Defaults and bounds.
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

// Gate is what each request has to pass, whatever becomes of an event after that: it reads the body within bounds, checks
// the signature, answers VERIFY, refuses all else, and counts and logs what it does.
type Gate struct {
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

	// How long the body may take to arrive before it is refused with 408. Less than the
	// 15 s after which Smartcar gives up, together with what comes after it. Default: 8s.
	ReadTimeout caddy.Duration `json:"read_timeout,omitempty"`

	// What becomes of deliveries that were sent too long ago, and may be repetitions. Default: nothing is looked at.
	MaxAge *MaxAge `json:"max_age,omitempty"`

	// Which VERIFY requests are answered.
	Verify *Verify `json:"verify,omitempty"`

	keys      *smartcar.Keys
	challenge smartcar.ChallengeRule
	// VERIFY requests with a right signature have buckets of their own, which those
	// without, that anybody can send, do not empty.
	verifies, signedVerifies *verifyLimit
	// age is nil where the age of deliveries is not looked at.
	age *ageLimit
	// askTimeout is how long it may take to learn whether an event is stored.
	askTimeout time.Duration
	counts     *traffic.Source
	observed   *metrics.Source
	bodies     *arrivals.Budget
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

// prepare expands the tokens and makes what depends on the options, which are checked and have their defaults. It
// returns the tokens without their placeholders. owner is how errors call whose they are.
func (g *Gate) prepare(owner string) (tokens []string, err error) {
	tokens, err = expandTokens(g.Tokens, owner)
	if err != nil {
		return nil, err
	}
	g.keys = smartcar.NewKeys(tokens...)
	g.challenge = g.Verify.rule()
	g.verifies, g.signedVerifies = g.Verify.limiter(), g.Verify.limiter()
	g.looks = rate.NewLimiter(looksPerSecond, looksAtOnce)
	return tokens, nil
}

func (g *Gate) setDefaults() {
	if g.Source == "" {
		g.Source = app.DefaultSource
	}
	if g.MaxSize == 0 {
		g.MaxSize = defaultMaxSize
	}
	if g.ReadTimeout == 0 {
		g.ReadTimeout = caddy.Duration(defaultReadTimeout)
	}
	if g.Verify == nil {
		g.Verify = new(Verify)
	}
	g.Verify.setDefaults()
}

// check is called with the defaults filled in.
func (g *Gate) check() error {
	return errors.Join(
		checkSource(g.Source),
		checkMaxSize(g.MaxSize),
		checkTimeout("read_timeout", g.ReadTimeout),
		g.MaxAge.check(),
		g.Verify.check(),
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
