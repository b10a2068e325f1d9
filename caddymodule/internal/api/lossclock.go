package api

import "time"

// Loss is what became of one source's deliveries that were refused, since the buffer was first used by this process.
type Loss struct {
	// Pending counts those with a right signature that were not stored and have not come again; ClockSeconds is until
	// Smartcar gives up the first of them, 175 while there is none.
	Pending      uint64  `json:"pending_redeliveries"`
	ClockSeconds float64 `json:"loss_clock_seconds"`
	// Lost counts those that did not come again in time. LostUncertain are those of them of which too many came at once
	// to know whether they did.
	Lost          uint64 `json:"lost"`
	LostUncertain uint64 `json:"lost_uncertain,omitempty"`
	// RecentlyLost counts those of which each followed the one before within a day, until a day after the last. The first
	// of them was refused at LostSince, the last one lost at LastLost.
	RecentlyLost uint64    `json:"recently_lost,omitempty"`
	LostSince    time.Time `json:"lost_since,omitzero"`
	LastLost     time.Time `json:"last_lost,omitzero"`
	// Unverified counts requests that may have been deliveries, and were refused without a right signature or before
	// it was looked at.
	Unverified uint64 `json:"unverified_refused"`
}

// States of Downtime.
const (
	// DowntimeNone: nothing was ever received before, or this is a reload.
	DowntimeNone = "none"
	// DowntimeOn: events cannot be taken yet.
	DowntimeOn = "on"
	// DowntimeOver: they can.
	DowntimeOver = "over"
	// DowntimeUnknown: there was some, nobody knows how much.
	DowntimeUnknown = "unknown"
)

// Downtime is for how long nothing could be received before this process, or before its buffer was open.
type Downtime struct {
	State string `json:"state"`
	// Why it is not known.
	Why string `json:"why,omitempty"`
	// Since is when events could last be taken before, Until when they could again.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Seconds is how long it was; LostSeconds is the part of it of which first attempts are lost, the rest came again.
	Seconds     float64 `json:"lasted_seconds,omitempty"`
	LostSeconds float64 `json:"lost_seconds,omitempty"`
}
