package api

import "time"

// Connections is what became of connections since the buffer was first used by this
// process. Those of HTTP/3 are not counted.
type Connections struct {
	// Open is how many there are now; Opened, how many there have been.
	Open   int64  `json:"open"`
	Opened uint64 `json:"opened"`
	// WithoutRequest counts those that ended before a byte of a request came: nothing was
	// sent, or there was no TLS.
	WithoutRequest uint64 `json:"without_request"`
	// WithoutWebhook counts those on which something came, but nothing for a receiver: half a request,
	// one that the server refused, or one for another path.
	WithoutWebhook uint64 `json:"without_webhook"`
}

// BodyMemory is how much memory the bodies take that have not been answered, and how much they may take, in bytes.
type BodyMemory struct {
	Bytes      int64 `json:"bytes"`
	LimitBytes int64 `json:"limit_bytes"`
}

// SourceCounts is what one source's receivers did since the buffer was first used by this
// process.
type SourceCounts struct {
	// Stored counts new events, unreadable ones included; Unreadable the latter alone.
	Stored     uint64 `json:"stored"`
	Unreadable uint64 `json:"unreadable"`
	// Duplicates counts events that were stored already; Differing those of them whose
	// data was not that of the stored event.
	Duplicates uint64 `json:"duplicates"`
	Differing  uint64 `json:"differing"`
	// Passed counts events that smartcar_verify passed on to an application, which answered 2xx; NotTaken those that it
	// answered otherwise, or not at all. They are stored nowhere.
	Passed   uint64 `json:"passed,omitempty"`
	NotTaken uint64 `json:"not_taken,omitempty"`
	// Verified counts answered challenges.
	Verified uint64 `json:"verified"`
	// Matches counts right signatures, by the number of the token that they were made with: "1" is the first one of the
	// receiver, and "other" is any above 9.
	Matches map[string]uint64 `json:"signature_matches,omitempty"`
	// Ages counts, where a receiver has max_age, deliveries whose time of sending is out of the usual.
	Ages DeliveryAges `json:"delivery_ages,omitzero"`
	// Refused counts the rest, by the code of the answer.
	Refused map[string]uint64 `json:"refused,omitempty"`
	// LastStored is when a new event was last stored, or passed on and taken; LastRefused is when a request was last
	// refused, and LastRefusal the code of its answer.
	LastStored  time.Time `json:"last_stored,omitzero"`
	LastRefused time.Time `json:"last_refused,omitzero"`
	LastRefusal string    `json:"last_refusal,omitempty"`
}

// DeliveryAges counts deliveries with a right signature by what their meta.deliveredAt says, whatever became of them.
type DeliveryAges struct {
	// TooOld were sent longer ago than max_age; Future, more than two minutes after they came, by the system's clock.
	TooOld uint64 `json:"too_old"`
	Future uint64 `json:"future"`
	// Missing do not say when they were sent, or not in a way that can be read.
	Missing uint64 `json:"missing"`
	// Unjudged seemed too old, but the clock may have been wrong.
	Unjudged uint64 `json:"unjudged"`
}

// RefusalCodes are all codes that Refused may have, in the order of the receiver's checks.
func RefusalCodes() []string {
	return []string{
		"method_not_allowed", "unsupported_content_type", "unsupported_content_encoding",
		"body_too_large", "body_not_received", "body_too_slow", "body_memory_full",
		"signature_missing", "signature_repeated", "signature_malformed", "signature_mismatch", "body_is_challenge",
		"challenge_refused", "verify_rate_limited", "delivery_too_old",
		"buffer_full", "buffer_halted", "buffer_unavailable", "buffer_closed", "store_timeout", "store_failed",
		"nothing_behind",
	}
}
