package module

import (
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// UnexpectedError says that a path does not have the buffer that it had. It is a buffer.ErrOtherBuffer.
type UnexpectedError struct {
	// Cause says what is there, and which buffer was.
	Cause *disk.IdentityError
	// FirstOpened and LastOpened are times of the buffer that was there.
	FirstOpened, LastOpened time.Time
	// Record is the file that remembers it.
	Record string
}

// Error says what to do.
func (e *UnexpectedError) Error() string {
	return fmt.Sprintf("%s, but it had buffer %s, since %s, and last at %s: events that were answered 200 may lie there. "+
		"Mount its volume or move it back, which is tried again each second; or go on with what is there now: "+
		"`caddy smartcar buffer accept`, or while Caddy is stopped, delete %s",
		e.Cause.Error(), e.Cause.Want, at(e.FirstOpened), at(e.LastOpened), e.Record)
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Unwrap returns the cause.
func (e *UnexpectedError) Unwrap() error { return e.Cause }
