package api

import "time"

// LiveSignatures is what is known of the signatures of a source's LIVE events, since the buffer was first used by this
// process.
type LiveSignatures struct {
	// Signed counts new LIVE events with a right signature, and LastSigned is when the last one came; Tests counts other
	// new events with one, as TEST ones. A duplicate, which somebody may have recorded, is in neither.
	Signed     uint64    `json:"signed"`
	LastSigned time.Time `json:"last_signed,omitzero"`
	Tests      uint64    `json:"tests"`
	// TokenRemoved: the token of the last one is in no receiver of the config in force any more.
	TokenRemoved bool `json:"token_removed,omitempty"`
	// Refused counts requests whose signature matched no token and that claim to be LIVE events, of those that were
	// looked at. Anybody can claim that.
	Refused uint64 `json:"refused"`
	// RefusedSince is when the first of them was refused since a new LIVE event last had a right signature, or the tokens
	// changed; missing where none was. LastRefused is when the last one was, and SinceSigned how many there are.
	RefusedSince time.Time `json:"refused_since,omitzero"`
	LastRefused  time.Time `json:"last_refused,omitzero"`
	SinceSigned  uint64    `json:"refused_since_signed"`
	// KnownWebhook counts those of SinceSigned that name a webhook which an event with a right signature has named.
	KnownWebhook uint64 `json:"refused_known_webhook"`
	// Unlooked counts refused signatures of that time that were not looked at, since there were too many.
	Unlooked uint64 `json:"refused_unlooked"`
	// AllRefused: that is enough to say that all LIVE events are refused. Then there is an Attention of the kind
	// live_refused.
	AllRefused bool `json:"all_refused"`
}

// TokenUse is how one token of a receiver is used. It goes by the token, wherever that stands: a reload that puts
// another one before it changes its number and nothing else.
type TokenUse struct {
	// Receiver is the number of the source's receiver in the config, from 1; missing where all have the same tokens.
	Receiver int `json:"receiver,omitempty"`
	// Number is that of the token in the receiver, from 1.
	Number int `json:"number"`
	// Matched counts right signatures, those of VERIFY and of TEST events included, and LastMatched is when the last one
	// came.
	Matched     uint64    `json:"matched"`
	LastMatched time.Time `json:"last_matched,omitzero"`
	// Since is when the first config with it came into force.
	Since time.Time `json:"since,omitzero"`
	// Removable: nothing has matched it for a day, while LIVE events matched another token; never the first of a receiver.
	Removable bool `json:"removable"`
}
