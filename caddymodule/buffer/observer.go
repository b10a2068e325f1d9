package buffer

import (
	"log/slog"
	"time"
)

// Host is what a buffer works for.
type Host struct {
	// Log takes what an operator should know; never contents of events. nil: nothing is logged.
	Log *slog.Logger
	// Observer is told what the buffer does; nil: nobody is.
	Observer Observer
}

// Observer is told what a buffer does. It is called by what does it, so it must return at once.
type Observer interface {
	// Synced is told of each sync: how long the write and the sync took, and how many events they made durable. None
	// were, where only outcomes were recorded.
	Synced(took time.Duration, events int)
}
