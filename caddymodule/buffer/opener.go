package buffer

import "context"

// Opener is what a module in the namespace smartcar.buffers provides: a
// configured buffer that is not open yet. Making one touches no disk.
type Opener interface {
	// Key identifies the storage, such as its absolute path: two configurations with
	// one key share one open buffer.
	Key() string
	// Limits are those that Open gives the buffer, and Reconfigure puts in force.
	Limits() Limits
	// Open opens or creates the buffer.
	Open(ctx context.Context, host Host) (Buffer, error)
	// Reconfigure applies this configuration's limits to a buffer that an Opener with
	// the same Key opened, without closing it.
	Reconfigure(b Buffer) error
}

// Accepter is an Opener that knows which buffer its place had, and does not open another one (ErrOtherBuffer).
type Accepter interface {
	Opener
	// Accept has the next Open take what is there then.
	Accept() error
}
