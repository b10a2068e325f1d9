package api

import (
	"slices"
	"strings"
)

// The levels of Attention.
const (
	LevelError   = "error"
	LevelWarning = "warning"
)

// Attention is something that needs attention.
type Attention struct {
	// Kind is what it is. With Handler, Source and About it is the same thing for as long as it lasts, while the numbers
	// in What change.
	Kind AttentionKind `json:"kind"`
	// Level is error when events are refused or a handler gets none, else warning.
	Level string `json:"level"`
	What  string `json:"what"`
	Do    string `json:"do"`
	// Commands are those that Do names, as they stand in it.
	Commands []string `json:"commands,omitempty"`
	// Handler and Source are those that it is about, if it is about one.
	Handler string `json:"handler,omitempty"`
	Source  string `json:"source,omitempty"`
	// About tells it from others of its kind: the id of a replay, the folder of damaged files, the URL of a receiver,
	// the name of a condition.
	About string `json:"about,omitempty"`
	// Said is the end of What, where a program that is not ours has said that. Its author may have put anything into it.
	Said string `json:"-"`
}

// ID is the same for as long as the thing lasts, and no two things have one.
func (a *Attention) ID() string {
	parts := []string{string(a.Kind), a.Handler, a.Source, a.About}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

// AttentionKind is what an Attention is. The kinds stay as they are; new ones may come.
type AttentionKind string

// The kinds of Attention. docs/admin-api.md has them in a table.
const (
	BufferHalted     AttentionKind = "buffer_halted"
	BufferFailed     AttentionKind = "buffer_failed"
	BufferOpening    AttentionKind = "buffer_opening"
	BufferFull       AttentionKind = "buffer_full"
	BufferNearlyFull AttentionKind = "buffer_nearly_full"
	NotStored        AttentionKind = "not_stored"
	Stopping         AttentionKind = "stopping"

	ReceiverUnreached AttentionKind = "receiver_unreached"
	NoReceiver        AttentionKind = "no_receiver"
	EventsRefused     AttentionKind = "events_refused"
	LiveRefused       AttentionKind = "live_refused"
	BodyMemoryFull    AttentionKind = "body_memory_full"
	// QuarantineReleasable is about refused requests that verify now.
	QuarantineReleasable AttentionKind = "quarantine_releasable"

	DeliveriesPending AttentionKind = "deliveries_pending"
	DeliveriesLost    AttentionKind = "deliveries_lost"
	ReceivingGap      AttentionKind = "downtime"
	SourceSilent      AttentionKind = "source_silent"
	VehiclesSilent    AttentionKind = "vehicles_silent"

	HandlerDown        AttentionKind = "handler_down"
	HandlerUnavailable AttentionKind = "handler_unavailable"
	HandlerFailing     AttentionKind = "handler_failing"
	HandlerMistaken    AttentionKind = "handler_mistaken"
	HandlersMistaken   AttentionKind = "handlers_mistaken"
	HandlerRejects     AttentionKind = "handler_rejects"
	HandlerUnmatched   AttentionKind = "handler_unmatched"
	HandlerTrouble     AttentionKind = "handler_trouble"
	ErrorsUnhandled    AttentionKind = "vehicle_errors_unhandled"
	HandlerPaused      AttentionKind = "handler_paused"
	HandlerRemoved     AttentionKind = "handler_removed"

	DeadLetters   AttentionKind = "dead_letters"
	ReplayFailed  AttentionKind = "replay_failed"
	ReplayStopped AttentionKind = "replay_stopped"

	BufferDamaged   AttentionKind = "buffer_damaged"
	RecordsDamaged  AttentionKind = "records_damaged"
	ControlFileLost AttentionKind = "control_file_lost"
	ProgressUnknown AttentionKind = "progress_unknown"
	ClockJumped     AttentionKind = "clock_jumped"
	DiskTooSmall    AttentionKind = "disk_too_small"
	FolderOpen      AttentionKind = "folder_open"

	// MessageUnsent and MessagesMistaken are about messages on what needs attention, StatusSilent is only in such a
	// message: then nobody could be told by the status.
	MessageUnsent    AttentionKind = "message_unsent"
	MessagesMistaken AttentionKind = "messages_mistaken"
	StatusSilent     AttentionKind = "status_silent"
)

// OfStatus reports whether how events are received, stored and delivered decides whether there is such a thing.
func (k AttentionKind) OfStatus() bool {
	return k != MessageUnsent && k != MessagesMistaken && k != StatusSilent
}

// AttentionKinds are all kinds, in the order of the documentation.
func AttentionKinds() []AttentionKind {
	return []AttentionKind{
		BufferHalted, BufferFailed, BufferOpening, BufferFull, BufferNearlyFull, NotStored, Stopping,
		ReceiverUnreached, NoReceiver, EventsRefused, LiveRefused, BodyMemoryFull, QuarantineReleasable,
		DeliveriesPending, DeliveriesLost, ReceivingGap, SourceSilent, VehiclesSilent,
		HandlerDown, HandlerUnavailable, HandlerFailing, HandlerMistaken, HandlersMistaken, HandlerRejects,
		HandlerUnmatched, HandlerTrouble, ErrorsUnhandled, HandlerPaused, HandlerRemoved,
		DeadLetters, ReplayFailed, ReplayStopped,
		BufferDamaged, RecordsDamaged, ControlFileLost, ProgressUnknown, ClockJumped, DiskTooSmall, FolderOpen,
		MessageUnsent, MessagesMistaken, StatusSilent,
	}
}
