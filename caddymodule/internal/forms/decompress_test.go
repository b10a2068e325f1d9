package forms

import (
	"io"
	"testing"
)

// counted counts what is read of it, and ends after a while.
type counted struct{ read int }

func (c *counted) Read(p []byte) (int, error) {
	if c.read > 8*MaxBody {
		return 0, io.EOF
	}
	c.read += len(p)
	return len(p), nil
}

// However much a few bytes decompress to, no more is read than a body may have.
func TestDecompressionIsBounded(t *testing.T) {
	endless := new(counted)
	if out, ok := whole(endless, nil); ok {
		t.Errorf("%d bytes are taken for a body", len(out))
	}
	if endless.read > 2*MaxBody {
		t.Errorf("%d bytes were read, for a body of at most %d", endless.read, MaxBody)
	}
}
