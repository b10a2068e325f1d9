package buffer

// Verb is what an Outcome does to an event.
type Verb int

// The verbs. Done, Skip and Dead settle the event for this consumer for good.
const (
	// Done: the handler has finished with the event.
	Done Verb = iota + 1
	// Skip: the handler does not want the event.
	Skip
	// Defer sets the event aside under Outcome.Lane with Outcome.Retry, to be had
	// again through LeaseDeferred.
	Defer
	// Dead writes a dead letter with Outcome.Reason and Outcome.Retry.
	Dead
	// Reopen sets a settled event aside again under Outcome.Lane with Outcome.Retry, to be
	// had through LeaseDeferred. With Outcome.Letter, that dead letter goes in the same
	// step, and its copy of the event serves where the event itself is trimmed. It is
	// ignored when the event is open for this consumer anyway, when it is not stored (and
	// no letter has it), or when the letter is gone.
	Reopen
	// PutMemo stores Outcome.Memo and nothing else.
	PutMemo
)

// Outcome ends a lease.
type Outcome struct {
	Position uint64
	Verb     Verb
	// Lane, for Defer: any short text; events of one lane keep their order.
	Lane string
	// Retry, for Defer and Dead: the state to remember.
	Retry Retry
	// Reason, for Dead.
	Reason Reason
	// HandlerReason, for Dead with ReasonRejected: the handler's own short word.
	HandlerReason string
	// Letter, for Reopen: the dead letter that the event comes from, "" when it is a
	// settled event. A letter of another handler or event is an error.
	Letter DeadLetterID
	// Memo, if not nil, is stored in the same step. Of several under one key the last
	// stays.
	Memo *Memo
}

// Memo is a small value that a consumer keeps beside its progress. Keys have 1 to
// 1024 bytes. A nil Value removes the memo.
type Memo struct {
	Key   string
	Value []byte
}
