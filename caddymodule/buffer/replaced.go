package buffer

import (
	"fmt"
	"path/filepath"
)

// Now is what lies where the buffer's directory, or a file of it, was.
type Now int

// What may lie there.
const (
	// NowNothing: it was moved or deleted, or its volume unmounted.
	NowNothing Now = iota + 1
	// NowOtherVolume: a volume was mounted over it, or its own was unmounted.
	NowOtherVolume
	// NowOther: another directory, or file, of the same volume.
	NowOther
)

// ReplacedError says why a buffer halted that is a directory on this machine: its path does not name any more what was
// opened. What was answered 200 lies in what was opened.
type ReplacedError struct {
	// Dir is the buffer's directory, File the file in it that was replaced; "": the directory itself.
	Dir, File string
	Now       Now
}

// Error says what was expected, and what is there now.
func (e *ReplacedError) Error() string {
	what := "the buffer's directory " + e.Dir
	if e.File != "" {
		what = fmt.Sprintf("%s in the buffer's directory %s", filepath.Base(e.File), e.Dir)
	}
	switch {
	case e.Now == NowNothing:
		return what + " is gone since it was opened: was it moved, deleted or unmounted?"
	case e.File != "":
		return what + " is another file than the one that was opened: was a backup restored?"
	case e.Now == NowOtherVolume:
		return what + " is on another volume than when it was opened: was one mounted over it, or its own unmounted?"
	default:
		return what + " is another directory than the one that was opened: was it replaced, or a backup restored?"
	}
}
