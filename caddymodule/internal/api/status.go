// Package api holds the requests and answers of the admin API, and a client for them. The
// server and the command line share these types; docs/admin-api.md describes each field, and
// the JSON names stay as they are.
package api

import "time"

// States of Receiving: StateOpening and StateFailed are the engine's own, in which there is no buffer to tell of. With
// StateFull there is no room just now; with StateUnreached requests do not come to a receiver, with
// StateNoReceiver no site has one.
const (
	StateOpening    = "opening"
	StateFailed     = "failed"
	StateFull       = "full"
	StateUnreached  = "unreached"
	StateNoReceiver = "no-receiver"
	// StateHanging is none of Receiving, but a word of Ready: a write to the buffer takes longer than any event may wait.
	StateHanging = "hanging"
)

// Status is the answer to "is all well?".
type Status struct {
	// Healthy: nothing needs attention, that is, Attention is empty.
	Healthy bool      `json:"healthy"`
	At      time.Time `json:"at"`
	Version
	// Since is when counting began: sources are counted since this process first used
	// the buffer.
	Since     time.Time `json:"counted_since,omitzero"`
	Receiving Receiving `json:"receiving"`
	Sources   []Source  `json:"sources"`
	// Downtime is that before this process.
	Downtime Downtime `json:"downtime"`
	// Connections are those of the servers that have a receiver.
	Connections Connections `json:"connections"`
	// BodyMemory is what bodies take that receivers hold.
	BodyMemory BodyMemory       `json:"body_memory"`
	Buffer     Buffer           `json:"buffer"`
	Handlers   []Handler        `json:"handlers"`
	Removed    []RemovedHandler `json:"removed_handlers"`
	Replays    []Replay         `json:"replays"`
	// Vehicles is what is known of vehicles, all together.
	Vehicles *Vehicles `json:"vehicles,omitempty"`
	// Quarantine is what is kept of refused requests.
	Quarantine Quarantine `json:"quarantine"`
	// SchemaDrift is there when something was found.
	SchemaDrift *SchemaDrift `json:"schema_drift,omitempty"`
	Attention   []Attention  `json:"attention"`
	// Notices are worth knowing, and all is well with them.
	Notices []Notice `json:"notices,omitempty"`
}

// Version is which version of this module answers.
type Version struct {
	// Version as Go has it, such as v1.2.3, or (devel).
	Version string `json:"version,omitempty"`
	// Revision is the commit, where it is known; Modified: files were not as in it.
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
}

// Receiving reports whether events are stored.
type Receiving struct {
	Healthy bool `json:"healthy"`
	// State is opening, open, full, halted, failed, closed, unreached or no-receiver.
	State string `json:"state"`
	// Why and Since are there when it is not healthy.
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// NextTry is when a buffer that failed to open is tried again.
	NextTry time.Time `json:"next_try,omitzero"`
}

// HasBuffer reports whether there is an open buffer, or one that was open.
func (r Receiving) HasBuffer() bool { return r.State != StateOpening && r.State != StateFailed }

// Source is one receiver, or several of one name, with its counts.
type Source struct {
	Name string `json:"name"`
	// Removed: no receiver of the config in force has it.
	Removed bool `json:"removed,omitempty"`
	SourceCounts
	// Live is what is known of the signatures of LIVE events.
	Live LiveSignatures `json:"live"`
	// Tokens are those of its receivers of the config in force, in their order.
	Tokens []TokenUse `json:"tokens,omitempty"`
	Loss   Loss       `json:"loss"`
	// SelfChecks are what came of asking its receivers of the config in force.
	SelfChecks []SelfCheck `json:"self_checks,omitempty"`
}

// States of a SelfCheck.
const (
	// CheckPending: it has not been asked, or what was heard was of the time in which a config comes into force.
	CheckPending = "pending"
	// CheckReached: the receiver itself answered, and would take an event that comes like this.
	CheckReached = "reached"
	// CheckRefused: the receiver itself answered, but would refuse each event.
	CheckRefused = "refused"
	// CheckElsewhere: something else answered.
	CheckElsewhere = "elsewhere"
	// CheckSilent: nothing answered.
	CheckSilent = "silent"
	// CheckUnchecked: it cannot be told from here.
	CheckUnchecked = "unchecked"
)

// SelfCheck is whether a request of this process, sent as Smartcar's are, comes to a receiver.
type SelfCheck struct {
	// URL is what was asked, and Address where.
	URL     string `json:"url"`
	Address string `json:"address,omitempty"`
	// State is one of those above.
	State string `json:"state"`
	// At is when it was asked last.
	At time.Time `json:"at,omitzero"`
	// Status is the HTTP status of what answered in the receiver's place.
	Status int    `json:"status,omitempty"`
	Why    string `json:"why,omitempty"`
}

// Buffer describes the buffer: sizes in bytes, times in seconds. Appended, Duplicates, Corrupt, Unreadable, Conflicts
// and Syncs count since this process opened it.
type Buffer struct {
	// Path is the directory that it lies in.
	Path          string `json:"path,omitempty"`
	Events        uint64 `json:"events"`
	FirstPosition uint64 `json:"first_position"`
	LastPosition  uint64 `json:"last_position"`
	Bytes         uint64 `json:"bytes"`
	LimitBytes    uint64 `json:"limit_bytes,omitempty"`
	// DiskBytes is the size of the whole disk.
	DiskBytes   uint64  `json:"disk_bytes,omitempty"`
	LimitShare  float64 `json:"limit_share"`
	DeadLetters uint64  `json:"dead_letters"`
	Appended    uint64  `json:"appended"`
	Duplicates  uint64  `json:"duplicates"`
	Corrupt     uint64  `json:"corrupt"`
	// Unreadable and Conflicts count the dead letters of no handler that were made.
	Unreadable uint64 `json:"unreadable"`
	Conflicts  uint64 `json:"conflicts"`
	Syncs      uint64 `json:"syncs"`
	// Oldest is when the oldest event was stored, and OldestAge how long ago that is; missing where there is none.
	Oldest    time.Time `json:"oldest,omitzero"`
	OldestAge float64   `json:"oldest_age_seconds,omitempty"`
	// HeadroomBytes is what can still be stored until events are refused, by the less of what LimitBytes and the disk
	// allow; HeadroomSeconds is for how long, if it goes on shrinking as in the last minutes, and missing while it does
	// not.
	HeadroomBytes   *uint64  `json:"headroom_bytes,omitempty"`
	HeadroomSeconds *float64 `json:"headroom_seconds,omitempty"`
	// ClockJump is how far the system's clock has jumped ahead, or back where it is negative, and the buffer does not
	// go by it yet; ClockSteadyIn is when it will, if the clock stays steady. 0: no jump.
	ClockJump     float64 `json:"clock_jump_seconds,omitempty"`
	ClockSteadyIn float64 `json:"clock_steady_in_seconds,omitempty"`
	// What the buffer lies on, and how long a sync took there when it was opened.
	FileSystem string  `json:"file_system,omitempty"`
	SyncMedian float64 `json:"sync_latency_median_seconds,omitempty"`
	SyncMax    float64 `json:"sync_latency_max_seconds,omitempty"`
	// FolderMode is that of the directory, such as 0755, while others than its owner have a way in.
	FolderMode string `json:"folder_mode,omitempty"`
	// Damaged are the files that were set aside since they were damaged, oldest first.
	Damaged []Damaged `json:"damaged,omitempty"`
	// ControlLost: the control file was missing or damaged when the buffer was opened.
	ControlLost bool `json:"control_file_lost,omitempty"`
}

// Damaged are files of the buffer that were damaged and set aside.
type Damaged struct {
	// What they are: log, store, or all, missing where that is not known.
	What string `json:"what,omitempty"`
	// Name is that of the folder that holds them, in Folder.
	Name   string `json:"name"`
	Folder string `json:"folder"`
	// At is when they were set aside, and Why what was found. Both are missing where that is not known.
	At  time.Time `json:"set_aside_at,omitzero"`
	Why string    `json:"why,omitempty"`
	// RecoveredAt is when what can be read in them was stored anew, and Missing how many events were not among that.
	RecoveredAt time.Time `json:"recovered_at,omitzero"`
	Missing     uint64    `json:"missing,omitempty"`
	// Files is how many there are, and Bytes their size.
	Files int    `json:"files"`
	Bytes uint64 `json:"bytes"`
}

// Notice is something worth knowing that needs nobody at once.
type Notice struct {
	What string `json:"what"`
	Do   string `json:"do"`
}
