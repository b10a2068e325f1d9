package buffer

import "time"

// Clock is the time by which a buffer decides what is old. Its stamps are nanoseconds since 1970 and never go back,
// whatever becomes of the system's clock.
type Clock interface {
	// Now is the present stamp.
	Now() int64
	// Ago is the stamp since which so much time has verifiably passed: what has an earlier one is older. 0 while nobody
	// can tell.
	Ago(d time.Duration) int64
}

// Clocked is a Buffer that lets others go by its clock: what has a stamp of it grows old together with the ids that the
// buffer remembers.
type Clocked interface {
	Buffer
	Clock() Clock
}
