package forms

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// whole reads what a decompressor gives, at most MaxBody.
func whole(r io.Reader, err error) ([]byte, bool) {
	if err != nil {
		return nil, false
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	return out, err == nil && len(out) > 0 && len(out) <= MaxBody
}

func gunzip(b []byte) ([]byte, bool) {
	if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		return nil, false
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	return whole(r, err)
}

func unzlib(b []byte) ([]byte, bool) {
	if len(b) < 2 || b[0]&0xf != 8 {
		return nil, false
	}
	r, err := zlib.NewReader(bytes.NewReader(b))
	return whole(r, err)
}

// inflate has no mark to go by, so a text is left out.
func inflate(b []byte) ([]byte, bool) {
	if utf8.Valid(b) {
		return nil, false
	}
	return whole(flate.NewReader(bytes.NewReader(b)), nil)
}

func unzstd(b []byte) ([]byte, bool) {
	if !bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return nil, false
	}
	r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(8*MaxBody), zstd.WithDecoderMaxWindow(8*MaxBody))
	if err != nil {
		return nil, false
	}
	defer r.Close()
	return whole(r, nil)
}
