package handlersfile

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/route"
)

// Order says which events of a handler wait for each other.
type Order string

// The orders.
const (
	// OrderVehicle: one event of a vehicle at a time, in the order of arrival.
	OrderVehicle Order = "vehicle"
	// OrderNone: no event waits for another.
	OrderNone Order = "none"
)

// Definition is one handler block, checked as far as that goes without its
// plugin: names, types, ranges and the when expression are right.
type Definition struct {
	// Name is the block's label: letters, digits, _ and -, at most 64.
	Name string
	// Plugin is the name of a bundled plugin ("jsonl"), or empty when Command is set.
	Plugin string
	// Command is the absolute path of the user's own executable; Args its arguments.
	Command string
	Args    []string
	// SHA256 of the executable, lower-case hex, "" where none was given.
	SHA256 string
	// When decides which events the handler wants; nil: all.
	When *route.Expr
	// Order is which events wait for each other. Default: OrderVehicle.
	Order Order
	// Concurrency is the most calls in flight, 1 to 1024. Default: 16.
	Concurrency int
	// Timeout of one call, 100ms to 1h. Default: 10s.
	Timeout time.Duration
	Retry   Retry
	Breaker Breaker
	Batch   Batch
	// Env is all that the process sees beside PATH, HOME, TMPDIR, TZ and LANG.
	Env map[string]string
	// Config is the body of the config block, to be decoded with DecodeConfig; an
	// empty body where there is no such block.
	Config hcl.Body
	// Range is where the block stands.
	Range hcl.Range
	// Fingerprint is equal for two definitions that mean the same: a reload keeps the
	// process of a handler whose fingerprint did not change. It is a hash over every
	// field above, over the values of the environment variables that env and config
	// refer to, and over size and time of the executable, so that a replaced one
	// counts as changed. Comments, blanks and the block's place in the file do not count.
	Fingerprint string
}

// Retry is the policy for failed deliveries.
type Retry struct {
	// MaxAttempts counts the first delivery too, 1 to 1000. Default: 12.
	MaxAttempts int
	// MinDelay is the wait after the first attempt, MaxDelay the longest wait; 10ms to
	// 7d. Defaults: 1s and 10m.
	MinDelay, MaxDelay time.Duration
}

// Breaker stops deliveries to a handler that keeps failing.
type Breaker struct {
	// Failures in a row that open the breaker, 1 to 1000. Default: 5.
	Failures int
	// Cooldown until one delivery is tried again, 100ms to 24h. Default: 60s.
	Cooldown time.Duration
}

// Batch bounds what one call to a plugin that takes batches carries. The plugin's
// own limit holds as well: one that takes single events gets single events.
type Batch struct {
	// MaxEvents in one call, 1 to 1000. Default: 50.
	MaxEvents int
	// MaxWait for a batch to fill, 0 to 10s; 0 sends what is there. Default: 0.
	MaxWait time.Duration
}
