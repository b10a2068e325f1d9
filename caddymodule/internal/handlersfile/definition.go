package handlersfile

import (
	"encoding/json"
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
	// ParkAfter bounds how long a failing event may hold up its vehicle. Default: no
	// bound but Retry.MaxAttempts.
	ParkAfter ParkAfter
	// Start is where a handler that is new to the buffer starts. Default: StartDefault.
	// It is not part of the Fingerprint, since it means nothing later.
	Start Start
	// Stale says what becomes of signals that are not newer than what the handler has had.
	// Default: StaleMark.
	Stale Stale
	// Env is all that the process sees in addition to PATH, HOME, TMPDIR, TZ and LANG.
	Env map[string]string
	// Config is the body of the config block, to be decoded with DecodeConfig; an
	// empty body where there is no such block.
	Config hcl.Body
	// ConfigJSON is the config of a bundled plugin, as its process gets it; nil for a program
	// of the user's own, whose schema only the program knows. It may hold secrets.
	ConfigJSON json.RawMessage
	// Range is where the block stands; zero where that is not known.
	Range hcl.Range
	// Mistake is why the handler cannot run, nil for every definition of File.Handlers; see File.AtStart.
	Mistake error
	// Fingerprint is equal for two definitions that mean the same: a reload keeps the
	// process of a handler whose fingerprint did not change. It is a hash over every
	// field above but Start and ConfigJSON, over the values of the environment variables that env and config
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

// ParkAfter sends an event that holds up its vehicle to the dead letters. Zero
// fields do not bound.
type ParkAfter struct {
	// Attempts is after how many failed attempts, 1 to 1000.
	Attempts int
	// Age is how long after the first failed attempt, 1s to 30d; it is looked at after
	// each attempt.
	Age time.Duration
}

// Start is where a new handler starts.
type Start struct {
	From StartFrom
	// At, for StartAt.
	At time.Time
}

// StartFrom is a place in the buffer.
type StartFrom string

// The places.
const (
	// StartDefault: the first handlers of a buffer start with the oldest stored event,
	// later ones with the next.
	StartDefault StartFrom = ""
	// StartNow: the next event.
	StartNow StartFrom = "now"
	// StartBeginning: the oldest stored event.
	StartBeginning StartFrom = "beginning"
	// StartAt: the first event received at a time or later.
	StartAt StartFrom = "at"
)

// Stale says what becomes of stale signals.
type Stale string

// The choices.
const (
	// StaleDeliver: they are delivered like all others; nothing is looked up.
	StaleDeliver Stale = "deliver"
	// StaleMark: they are delivered, and the delivery names them.
	StaleMark Stale = "mark"
	// StaleDrop: they are cut out of the body, and an event with no other is skipped.
	StaleDrop Stale = "drop"
)
