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
	// Order, Concurrency (deliveries or batches in flight) and Timeout (of one call).
	Order       Order
	Concurrency int
	Timeout     time.Duration
	Retry       Retry
	Breaker     Breaker
	Batch       Batch
	// Env is all that the process sees beside PATH, HOME, TMPDIR, TZ and LANG.
	Env map[string]string
	// Config is the body of the config block, to be decoded with DecodeConfig; an
	// empty body where there is no such block.
	Config hcl.Body
	// Range is where the block stands.
	Range hcl.Range
	// Fingerprint is equal for two definitions that mean the same: a reload keeps the
	// process of a handler whose fingerprint did not change.
	Fingerprint string
}

// Retry is the policy for failed deliveries.
type Retry struct {
	MaxAttempts        int
	MinDelay, MaxDelay time.Duration
}

// Breaker stops deliveries to a handler that keeps failing.
type Breaker struct {
	Failures int
	Cooldown time.Duration
}

// Batch bounds what one call to a plugin that takes batches carries.
type Batch struct {
	MaxEvents int
	MaxWait   time.Duration
}
