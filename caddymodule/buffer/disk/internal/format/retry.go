package format

import (
	"encoding/binary"
	"math"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// The record of version 1 ends before Failing.
const (
	retryVersion               = 2
	retryVersionWithoutFailing = 1
)

func appendRetry(dst []byte, r buffer.Retry) []byte {
	dst = append(dst, retryVersion)
	dst = binary.AppendUvarint(dst, count(r.Attempts))
	dst = appendTime(dst, r.NotBefore)
	dst = appendTime(dst, r.FirstAt)
	dst = appendTime(dst, r.LastAt)
	dst = appendString(dst, r.FirstError)
	dst = appendString(dst, r.LastError)
	dst = binary.AppendUvarint(dst, count(r.Crashes))
	dst = appendString(dst, r.Replay)
	return binary.AppendUvarint(dst, uint64(max(0, r.Failing)))
}

// count keeps a number within what a reader takes.
func count(n int) uint64 { return uint64(min(max(0, n), math.MaxInt32)) }

func (r *reader) retry() buffer.Retry {
	version := r.byte()
	if version != retryVersion && version != retryVersionWithoutFailing {
		r.fail()
	}
	retry := buffer.Retry{
		Attempts:   r.count(),
		NotBefore:  r.time(),
		FirstAt:    r.time(),
		LastAt:     r.time(),
		FirstError: r.string(),
		LastError:  r.string(),
		Crashes:    r.count(),
		Replay:     r.string(),
	}
	if version == retryVersion {
		retry.Failing = r.duration()
	}
	return retry
}

// EncodeRetry returns the record of a retry state.
func EncodeRetry(r buffer.Retry) []byte {
	return AppendChecksum(appendRetry(nil, r))
}

// DecodeRetry returns a zero state for a damaged record: the event is then tried as a fresh one.
func DecodeRetry(raw []byte) buffer.Retry {
	b, err := VerifyChecksum(raw)
	if err != nil {
		return buffer.Retry{}
	}
	r := reader{b: b}
	retry := r.retry()
	if r.bad || r.off != len(b) {
		return buffer.Retry{}
	}
	return retry
}
