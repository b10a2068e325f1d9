package replay

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Kind says what a job feeds.
type Kind string

// The kinds.
const (
	// KindEvents: settled events that are still stored.
	KindEvents Kind = "events"
	// KindDeadLetters: the handler's dead letters; each is gone when it is fed.
	KindDeadLetters Kind = "dead_letters"
)

// State is where a job stands.
type State string

// The states.
const (
	// StateRunning: it feeds, or will as soon as its handler is at work again.
	StateRunning State = "running"
	// StateStopped: an operator stopped it; it may be resumed.
	StateStopped State = "stopped"
	// StateDone: everything is fed.
	StateDone State = "done"
	// StateFailed: it ended by itself, with Job.Error; it may be resumed.
	StateFailed State = "failed"
)

// Rates, in events a second.
const (
	DefaultRate = 100
	MaxRate     = 10_000
)

// jobVersion is the form in which jobs are stored.
const jobVersion = 1

// Job is one replay to one handler. It is durable: its JSON is a memo of the handler's
// consumer.
type Job struct {
	Version int `json:"version"`
	// ID is short, and ids sort by the second of creation.
	ID      string  `json:"id"`
	Handler string  `json:"handler"`
	Kind    Kind    `json:"kind"`
	Filter  Filter  `json:"filter"`
	Rate    float64 `json:"rate"` // events a second
	State   State   `json:"state"`
	// Error is why it failed.
	Error     string    `json:"error,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// UpdatedAt is when it last fed something or changed its state.
	UpdatedAt time.Time `json:"updated_at"`
	// First and Last bound the positions of a job for events; Cursor is the last
	// position that it is done with.
	First  uint64 `json:"first,omitempty"`
	Last   uint64 `json:"last,omitempty"`
	Cursor uint64 `json:"cursor,omitempty"`
	// Total is how many dead letters there were at creation; 0 for events. Before comes behind all of those, and
	// before later ones.
	Total  uint64              `json:"total,omitempty"`
	Before buffer.DeadLetterID `json:"before,omitempty"`
	// Fed counts events put back for delivery. How their deliveries end is the
	// handler's matter.
	Fed uint64 `json:"fed"`
	// Open counts picked events that were not fed because they wait for the handler
	// anyway, Unwanted those that the handler does not want, Damaged those that could
	// not be read.
	Open     uint64 `json:"open"`
	Unwanted uint64 `json:"unwanted"`
	Damaged  uint64 `json:"damaged"`
	// Gone counts dead letters that were no longer there: another job has put them back, or they were dropped.
	Gone uint64 `json:"gone,omitempty"`
}

// Seen counts what the job is done with, one way or the other.
func (j *Job) Seen() uint64 { return j.Fed + j.Open + j.Unwanted + j.Damaged + j.Gone }

// end makes the job done. Letters that it never met were gone before it looked.
func (j *Job) end() {
	j.State = StateDone
	if seen := j.Seen(); j.Total > seen {
		j.Gone += j.Total - seen
	}
}

// Ended reports whether nothing more happens without an operator.
func (j *Job) Ended() bool { return j.State != StateRunning }

// RateError says that a rate is out of bounds.
type RateError struct{ Rate float64 }

// Error names the bounds.
func (e *RateError) Error() string {
	return fmt.Sprintf("rate %g: must be 0.01 to %d events a second", e.Rate, MaxRate)
}

// CheckRate returns the rate to use; 0 is DefaultRate. Errors: *RateError.
func CheckRate(perSecond float64) (float64, error) {
	if perSecond == 0 {
		return DefaultRate, nil
	}
	if math.IsNaN(perSecond) || perSecond < 0.01 || perSecond > MaxRate {
		return 0, &RateError{perSecond}
	}
	return perSecond, nil
}

// newID returns an id such as "260314150405-k3f9".
func newID(now time.Time) string {
	var random [3]byte
	_, _ = rand.Read(random[:]) // never fails
	return now.UTC().Format("060102150405") + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(random[:])[:4])
}

// memoPrefix begins the keys of jobs among a consumer's memos.
const memoPrefix = "replay/"

func (j *Job) encode() ([]byte, error) {
	raw, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("storing replay %s: %w", j.ID, err)
	}
	return raw, nil
}

func decode(raw []byte) (Job, error) {
	var j Job
	if err := json.Unmarshal(raw, &j); err != nil {
		return j, fmt.Errorf("reading a stored replay: %w", err)
	}
	if j.Version != jobVersion {
		return j, fmt.Errorf("reading replay %s: it has version %d, and this program knows %d", j.ID, j.Version, jobVersion)
	}
	return j, nil
}

// memo is what stores the job.
func (j *Job) memo() (*buffer.Memo, error) {
	raw, err := j.encode()
	if err != nil {
		return nil, err
	}
	return &buffer.Memo{Key: memoPrefix + j.ID, Value: raw}, nil
}
