package caddymodule

import "time"

// The answers of the admin API. The command line reads the same types, and docs/operating.md
// describes each field; names stay as they are.

// statusView is the answer to "is all well?".
type statusView struct {
	// Healthy: nothing needs a person, that is, Attention is empty.
	Healthy bool      `json:"healthy"`
	At      time.Time `json:"at"`
	// Since is when counting began: sources are counted since this process first used
	// the buffer.
	Since     time.Time     `json:"counted_since,omitzero"`
	Receiving receivingView `json:"receiving"`
	Sources   []sourceView  `json:"sources"`
	// Connections are those of the servers that have a receiver.
	Connections Connections     `json:"connections"`
	Buffer      bufferView      `json:"buffer"`
	Handlers    []handlerView   `json:"handlers"`
	Removed     []removedView   `json:"removed_handlers"`
	Replays     []replayView    `json:"replays"`
	Attention   []attentionView `json:"attention"`
}

type receivingView struct {
	Healthy bool `json:"healthy"`
	// State is idle, open, full, sealed, failed or closed.
	State string `json:"state"`
	// Why and Since are there when it is not healthy.
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

type sourceView struct {
	Name string `json:"name"`
	Counts
}

type bufferView struct {
	Events        uint64  `json:"events"`
	FirstPosition uint64  `json:"first_position"`
	LastPosition  uint64  `json:"last_position"`
	Bytes         uint64  `json:"bytes"`
	LimitBytes    uint64  `json:"limit_bytes,omitempty"`
	LimitShare    float64 `json:"limit_share"`
	DeadLetters   uint64  `json:"dead_letters"`
	Appended      uint64  `json:"appended"`
	Duplicates    uint64  `json:"duplicates"`
	Corrupt       uint64  `json:"corrupt"`
	Syncs         uint64  `json:"syncs"`
	// What the buffer lies on, and how long a sync took there when it was opened.
	FileSystem string  `json:"file_system,omitempty"`
	SyncMedian float64 `json:"sync_latency_median_seconds,omitempty"`
	SyncMax    float64 `json:"sync_latency_max_seconds,omitempty"`
}

type handlerView struct {
	Name  string `json:"name"`
	Place string `json:"place"`
	// State is ok, waiting, probing, breaker-open, paused, draining, down, failing,
	// starting or stopping.
	State       string      `json:"state"`
	PausedSince time.Time   `json:"paused_since,omitzero"`
	Plugin      pluginView  `json:"plugin"`
	Behind      behindView  `json:"behind"`
	InFlight    int         `json:"in_flight"`
	Suspects    int         `json:"suspects"`
	Retrying    retryView   `json:"retrying"`
	Breaker     breakerView `json:"breaker"`
	Counts      countsView  `json:"counts"`
	LastError   string      `json:"last_error,omitempty"`
}

type pluginView struct {
	Name          string    `json:"name,omitempty"`
	Version       string    `json:"version,omitempty"`
	Up            bool      `json:"up"`
	PID           int       `json:"pid,omitempty"`
	Since         time.Time `json:"since,omitzero"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Restarts      int       `json:"restarts"`
	LastError     string    `json:"last_error,omitempty"`
}

// behindView says how far a handler is behind: events that are not settled, and the
// age of the oldest of them.
type behindView struct {
	Events  uint64    `json:"events"`
	Seconds float64   `json:"seconds"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

type retryView struct {
	Lanes   int       `json:"lanes"`
	Events  uint64    `json:"events"`
	NextDue time.Time `json:"next_due,omitzero"`
}

type breakerView struct {
	State string    `json:"state"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Why   string    `json:"why,omitempty"`
}

// countsView counts since the handler was started, by Caddy's start or by a reload that changed it.
type countsView struct {
	Delivered uint64 `json:"delivered"`
	Skipped   uint64 `json:"skipped"`
	Retried   uint64 `json:"retried"`
	Dead      uint64 `json:"dead"`
	Poisoned  uint64 `json:"poisoned"`
	Expired   uint64 `json:"expired"`
	Replayed  uint64 `json:"replayed"`
	Stale     uint64 `json:"stale_signals"`
	Downs     uint64 `json:"downs"`
}

// removedView is a handler that is in no handlers file any more, but not forgotten.
type removedView struct {
	Name string `json:"name"`
	// State is removed.
	State       string     `json:"state"`
	Behind      behindView `json:"behind"`
	RemovedAt   time.Time  `json:"removed_at,omitzero"`
	PausedSince time.Time  `json:"paused_since,omitzero"`
	// LetGoAt is when its backlog stops holding back trimming; earlier when room is needed.
	LetGoAt time.Time `json:"let_go_at,omitzero"`
}

// The levels of attentionView.
const (
	levelError   = "error"
	levelWarning = "warning"
)

// attentionView is something that needs a person.
type attentionView struct {
	// Level is error when events are refused or a handler gets none, else warning.
	Level string `json:"level"`
	What  string `json:"what"`
	Do    string `json:"do"`
	// Handler is the one that it is about, if it is about one.
	Handler string `json:"handler,omitempty"`
}

// eventView is one event in a list, without its payload.
type eventView struct {
	Position   uint64    `json:"position"`
	Source     string    `json:"source"`
	ID         string    `json:"id"`
	Type       string    `json:"type,omitempty"`
	Mode       string    `json:"mode,omitempty"`
	VehicleID  string    `json:"vehicle_id,omitempty"`
	WebhookID  string    `json:"webhook_id,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	SizeBytes  int       `json:"size_bytes"`
}

// page is one page of a list.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// wholeEvent is one event with its payload and where it stands.
type wholeEvent struct {
	eventView
	payloadView
	Handlers []standingView `json:"handlers"`
}

// payloadView is what came, beside the envelope.
type payloadView struct {
	UserID      string `json:"user_id,omitempty"`
	DeliveryID  string `json:"delivery_id,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Signature   string `json:"signature,omitempty"`
	Unreadable  string `json:"unreadable,omitempty"`
	// Payload where the body is JSON, else PayloadBase64.
	Payload       rawJSON `json:"payload,omitempty"`
	PayloadBase64 []byte  `json:"payload_base64,omitempty"`
}

// standingView says where an event stands with one handler.
type standingView struct {
	Handler string `json:"handler"`
	// State is pending, deferred, settled or dead_letter.
	State string `json:"state"`
	Lane  string `json:"lane,omitempty"`
	attemptsView
	DeadLetter string `json:"dead_letter,omitempty"`
}

// attemptsView is what earlier deliveries left behind.
type attemptsView struct {
	Attempts      int       `json:"attempts"`
	Crashes       int       `json:"crashes,omitempty"`
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
	FirstAt       time.Time `json:"first_attempt_at,omitzero"`
	LastAt        time.Time `json:"last_attempt_at,omitzero"`
	FirstError    string    `json:"first_error,omitempty"`
	LastError     string    `json:"last_error,omitempty"`
	Replay        string    `json:"replay,omitempty"`
}

// letterView is one dead letter in a list.
type letterView struct {
	ID      string `json:"id"`
	Handler string `json:"handler,omitempty"`
	Reason  string `json:"reason"`
	Code    string `json:"code,omitempty"`
	attemptsView
	DiedAt time.Time `json:"died_at"`
	Event  eventView `json:"event"`
}

// wholeLetter is one dead letter with its copy of the event.
type wholeLetter struct {
	letterView
	payloadView
}

// countView says what a filter picks, and what became of it.
type countView struct {
	DryRun    bool           `json:"dry_run"`
	Matched   int            `json:"matched"`
	Dropped   int            `json:"dropped"`
	ByHandler map[string]int `json:"by_handler,omitempty"`
	ByReason  map[string]int `json:"by_reason,omitempty"`
}

type eventPageView struct {
	page[eventView]
	// Damaged counts records on the way of this page that could not be read.
	Damaged int `json:"damaged,omitempty"`
}

type letterPageView struct {
	page[letterView]
	Damaged int `json:"damaged,omitempty"`
}

// eventCountView says what a replay of events would look at. Events that the handler's
// `when` does not want, and those that wait for it anyway, are among them.
type eventCountView struct {
	DryRun        bool           `json:"dry_run"`
	Matched       int            `json:"matched"`
	ByType        map[string]int `json:"by_type"`
	FirstPosition uint64         `json:"first_position,omitempty"`
	LastPosition  uint64         `json:"last_position,omitempty"`
	Oldest        time.Time      `json:"oldest,omitzero"`
	Newest        time.Time      `json:"newest,omitzero"`
	Damaged       int            `json:"damaged,omitempty"`
}

// replayView is one replay.
type replayView struct {
	ID      string `json:"id"`
	Handler string `json:"handler"`
	// Kind is events or dead_letters.
	Kind string `json:"kind"`
	// State is running, stopped, done or failed.
	State  string      `json:"state"`
	Error  string      `json:"error,omitempty"`
	Filter filterOrder `json:"filter"`
	// Rate in events a second.
	Rate      float64   `json:"rate"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// Share of the way that is done, 0 to 1.
	Share float64 `json:"share"`
	// The positions are those of a replay of events, Total that of one of dead letters.
	FirstPosition uint64 `json:"first_position,omitempty"`
	LastPosition  uint64 `json:"last_position,omitempty"`
	Position      uint64 `json:"position,omitempty"`
	Total         uint64 `json:"total,omitempty"`
	Fed           uint64 `json:"fed"`
	Open          uint64 `json:"open"`
	Unwanted      uint64 `json:"unwanted"`
	Damaged       uint64 `json:"damaged"`
}

// letterReplayView is what comes of replaying dead letters: a replay for each handler,
// and what became of those that were unreadable.
type letterReplayView struct {
	Replays []replayView `json:"replays"`
	Reread  rereadView   `json:"reread"`
}

type rereadView struct {
	Readable   int `json:"readable"`
	Unreadable int `json:"unreadable"`
}

type forgottenView struct {
	Forgotten string `json:"forgotten"`
}
