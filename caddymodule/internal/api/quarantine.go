package api

import "time"

// Quarantine is how things stand with refused requests that are kept.
type Quarantine struct {
	// On: refused requests are kept.
	On bool `json:"on"`
	// Kept is how many there are, and Bytes what they take on disk.
	Kept  int   `json:"kept"`
	Bytes int64 `json:"bytes"`
	// Releasable are those that verify now; Checking: not all were looked at since the tokens last changed.
	Releasable int  `json:"releasable"`
	Checking   bool `json:"checking,omitempty"`
	// Failing is why nothing can be kept just now.
	Failing string `json:"failing,omitempty"`
	// Written, Released and Removed count since the process began, and so does Dropped, by reason.
	Written      uint64            `json:"written"`
	WrittenBytes uint64            `json:"written_bytes"`
	Released     uint64            `json:"released"`
	Removed      uint64            `json:"removed"`
	Dropped      map[string]uint64 `json:"dropped,omitempty"`
}

// Quarantined is one refused request that is kept.
type Quarantined struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	// Network is where it came from: a /24 of IPv4, a /48 of IPv6.
	Network    string    `json:"network"`
	ReceivedAt time.Time `json:"received_at"`
	// Code is that of the refusal.
	Code      string `json:"code"`
	SizeBytes int    `json:"size_bytes"`
	// ClaimedEventID and ClaimedMode are what the body says, where that has the form of one. Nobody vouches for it.
	ClaimedEventID string `json:"claimed_event_id,omitempty"`
	ClaimedMode    string `json:"claimed_mode,omitempty"`
	// Verifies: its signature is right by the tokens that count now, and Token is the number of the one.
	Verifies bool `json:"verifies"`
	Token    int  `json:"token,omitempty"`
}

// QuarantinedDetail is one with all that came.
type QuarantinedDetail struct {
	Quarantined
	ContentType string `json:"content_type"`
	Signature   string `json:"signature"`
	// Body is byte for byte what came, in base64.
	Body []byte `json:"body_base64"`
}

// QuarantineRelease asks for the events of what verifies now to be stored.
type QuarantineRelease struct {
	IDs    []string `json:"ids,omitempty"`
	Source string   `json:"source,omitempty"`
	// All means all there are.
	All    bool `json:"all,omitempty"`
	DryRun bool `json:"dry_run,omitempty"`
}

// QuarantineReleased is what came of it.
type QuarantineReleased struct {
	DryRun bool `json:"dry_run"`
	// Matched are those that were asked for. Of these, Verified verify, and Unverified do not and stay.
	Matched    int `json:"matched"`
	Verified   int `json:"verified"`
	Unverified int `json:"unverified"`
	// Stored are new events, Unreadable those of them that are dead letters since they cannot be read. Duplicates were
	// stored before, Differing ones of these with other contents.
	Stored     int `json:"stored"`
	Unreadable int `json:"unreadable"`
	Duplicates int `json:"duplicates"`
	Differing  int `json:"differing"`
	// NoEvent counts those that verify and are no events, and Gone those that are damaged, too old or removed meanwhile.
	NoEvent int `json:"no_event"`
	Gone    int `json:"gone"`
}

// QuarantineRemoved is what came of a removal.
type QuarantineRemoved struct {
	DryRun  bool `json:"dry_run"`
	Matched int  `json:"matched"`
	Removed int  `json:"removed"`
}

// QuarantineDrops are all reasons that Dropped may have.
func QuarantineDrops() []string {
	return []string{"rate", "too_large", "no_event", "repeat", "disk", "displaced", "expired", "damaged"}
}
