package api

import "time"

// DeadLetter is one dead letter in a list.
type DeadLetter struct {
	ID      string `json:"id"`
	Handler string `json:"handler,omitempty"`
	Reason  string `json:"reason"`
	// HandlerReason is the handler's own short word, with the reason rejected.
	HandlerReason string `json:"handler_reason,omitempty"`
	RetryState
	DiedAt time.Time `json:"died_at"`
	Event  Event     `json:"event"`
}

// DeadLetterDetail is one dead letter with its copy of the event.
type DeadLetterDetail struct {
	DeadLetter
	Content
}

// DeadLetterCount says what a filter picks, and what became of it.
type DeadLetterCount struct {
	DryRun    bool           `json:"dry_run"`
	Matched   int            `json:"matched"`
	Dropped   int            `json:"dropped"`
	ByHandler map[string]int `json:"by_handler,omitempty"`
	ByReason  map[string]int `json:"by_reason,omitempty"`
}

// DeadLetterPage is one page of dead letters.
type DeadLetterPage struct {
	Page[DeadLetter]
	Damaged int `json:"damaged,omitempty"`
}
