package quarantine

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

const idLength = 12 + 1 + 8

// newID returns an id that sorts by the time in it. Nobody can know one before.
func newID(stamp int64) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%012x-%s", uint64(stamp)/uint64(time.Millisecond)&(1<<48-1), hex.EncodeToString(random[:]))
}

// isID reports whether a text has the form of an id. Nothing else becomes the name of a file.
func isID(s string) bool {
	if len(s) != idLength {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 12 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
