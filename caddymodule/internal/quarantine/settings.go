package quarantine

import "time"

// Settings say whether anything is kept, and how much.
type Settings struct {
	// On: refused requests are kept. Where it is off, nothing is added, and what was kept stays until it is released,
	// removed, or as old as MaxAge.
	On bool
	// MaxSize bounds the bytes on disk, in whole blocks of 4 KiB; default 64 MiB.
	MaxSize int64
	// MaxCount bounds their number; default 10,000.
	MaxCount int
	// MaxAge is how long one is kept; default 7 days. The buffer's dedupe window bounds it too.
	MaxAge time.Duration
	// MaxRate bounds the bytes that are written in a second, in whole blocks; default 1 MiB.
	MaxRate int64
	// InForce reports whether the config with these settings is in force, and may delete what it says. One that is still
	// being loaded may be refused, and nothing brings back what is deleted. nil: it is.
	InForce func() bool
}

func (s *Settings) mayDelete() bool { return s.InForce == nil || s.InForce() }

// The defaults of Settings.
const (
	DefaultMaxSize  = 64 << 20
	DefaultMaxCount = 10_000
	DefaultMaxAge   = 7 * 24 * time.Hour
	DefaultMaxRate  = 1 << 20
)

// WithDefaults returns the settings with their defaults for zero fields.
func (s Settings) WithDefaults() Settings {
	if s.MaxSize <= 0 {
		s.MaxSize = DefaultMaxSize
	}
	if s.MaxCount <= 0 {
		s.MaxCount = DefaultMaxCount
	}
	if s.MaxAge <= 0 {
		s.MaxAge = DefaultMaxAge
	}
	if s.MaxRate <= 0 {
		s.MaxRate = DefaultMaxRate
	}
	return s
}

const (
	// longestBody is the largest body that is kept. Smartcar's own limit is 50 kB.
	longestBody = 256 << 10
	// block is what the least file takes on disk.
	block = 4 << 10
)

// The least of MaxSize and MaxRate that leave room for the largest body.
const (
	LeastSize = 1 << 20
	LeastRate = 64 << 10
)

// onDisk is what a file of so many bytes takes.
func onDisk(size int) int64 { return (int64(size) + block - 1) / block * block }
