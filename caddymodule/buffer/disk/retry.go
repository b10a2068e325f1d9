package disk

import (
	"encoding/binary"
	"math"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Version 1 of a retry state has neither crashes nor a replay; it is still read.
const (
	retryVersion1 = 1
	retryVersion  = 2
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
	return appendString(dst, r.Replay)
}

// count keeps a number within what a reader takes.
func count(n int) uint64 { return uint64(min(max(0, n), math.MaxInt32)) }

func (r *reader) retry() buffer.Retry {
	version := r.byte()
	if version != retryVersion && version != retryVersion1 {
		r.fail()
	}
	retry := buffer.Retry{
		Attempts:   r.count(),
		NotBefore:  r.time(),
		FirstAt:    r.time(),
		LastAt:     r.time(),
		FirstError: r.string(),
		LastError:  r.string(),
	}
	if version == retryVersion {
		retry.Crashes = r.count()
		retry.Replay = r.string()
	}
	return retry
}

func encodeRetry(r buffer.Retry) []byte {
	return appendChecksum(appendRetry(nil, r))
}

// decodeRetry forgets a damaged state: the event is then tried as a fresh one.
func decodeRetry(raw []byte) buffer.Retry {
	b, err := verifyChecksum(raw)
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
