package api

import "time"

// AttentionReport is what stands, where messages about it go, and which were sent.
type AttentionReport struct {
	// Every, After and Level are those of the config; there are none where no messages are sent.
	Every    float64             `json:"every_seconds,omitempty"`
	After    float64             `json:"after_seconds,omitempty"`
	Level    string              `json:"level,omitempty"`
	Targets  []AttentionTarget   `json:"targets"`
	Items    []StandingAttention `json:"items"`
	Messages []AttentionMessage  `json:"messages"`
}

// AttentionTarget is where messages go.
type AttentionTarget struct {
	Target string `json:"target"`
	// Sent counts the messages since this process first used the buffer.
	Sent       uint64    `json:"sent"`
	LastSentAt time.Time `json:"last_sent_at,omitzero"`
	// The others are there while messages do not get through.
	FailingSince time.Time `json:"failing_since,omitzero"`
	LastError    string    `json:"last_error,omitempty"`
	NextTryAt    time.Time `json:"next_try_at,omitzero"`
}

// StandingAttention is something that stands, as it was seen at the last look.
type StandingAttention struct {
	ID string `json:"id"`
	Attention
	Since time.Time `json:"since"`
	// Wanted: its level is one that messages are sent of.
	Wanted bool `json:"wanted"`
}

// AttentionMessage is a message that was sent.
type AttentionMessage struct {
	At     time.Time `json:"at"`
	Target string    `json:"target"`
	Title  string    `json:"title"`
}

// AttentionTests are what came of a test message to each target.
type AttentionTests struct {
	Results []AttentionTest `json:"results"`
}

// AttentionTest is what came of a test message.
type AttentionTest struct {
	Target string `json:"target"`
	Sent   bool   `json:"sent"`
	Error  string `json:"error,omitempty"`
}
