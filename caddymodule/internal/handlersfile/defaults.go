package handlersfile

import "time"

// What holds where the handlers file says nothing.
const (
	DefaultOrder       = OrderVehicle
	DefaultConcurrency = 16
	DefaultTimeout     = 10 * time.Second

	DefaultMaxAttempts = 12
	DefaultMinDelay    = time.Second
	DefaultMaxDelay    = 10 * time.Minute

	DefaultFailures = 5
	DefaultCooldown = time.Minute

	DefaultMaxEvents = 50
	// DefaultMaxWait is 0, because a timer would limit the rate for a few vehicles: while
	// calls are under way, the next batch gathers by itself.
	DefaultMaxWait = time.Duration(0)

	DefaultStale = StaleMark
)

// numbers is an inclusive range of whole numbers.
type numbers struct{ min, max int }

// durations is an inclusive range of durations.
type durations struct{ min, max time.Duration }

// What the handlers file may say.
var (
	concurrencyRange = numbers{1, 1024}
	timeoutRange     = durations{100 * time.Millisecond, time.Hour}
	maxAttemptsRange = numbers{1, 1000}
	delayRange       = durations{10 * time.Millisecond, 7 * 24 * time.Hour}
	failuresRange    = numbers{1, 1000}
	cooldownRange    = durations{100 * time.Millisecond, 24 * time.Hour}
	maxEventsRange   = numbers{1, 1000}
	maxWaitRange     = durations{0, 10 * time.Second}

	parkAttemptsRange = numbers{1, 1000}
	parkAgeRange      = durations{time.Second, 30 * 24 * time.Hour}
)

const (
	// maxFileSize bounds one handlers file.
	maxFileSize = 256 << 10
	// maxNesting bounds brackets within brackets: HCL's parser recurses.
	maxNesting = 64
	// maxNameLength bounds a handler's name.
	maxNameLength = 64
)
