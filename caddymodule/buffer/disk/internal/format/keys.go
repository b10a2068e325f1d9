// Package format has the keys and the records of the disk buffer's store: how each is written and read back, and what
// damage to it looks like. It knows nothing of Pebble. Package disk documents the layout.
package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// The first byte of a key says what it is.
const (
	KindConsumer   = 'c'
	KindDedupe     = 'd'
	KindLifecycle  = 'i'
	kindMeta       = 'm'
	KindMemo       = 'n'
	KindDeferredAt = 'q'
	KindCopy       = 'r'
	KindDeferred   = 'w'
	KindDeadLetter = 'x'
)

// MaxPosition is above every position.
const MaxPosition = math.MaxUint64 - 1

// MaxName bounds a consumer's name.
const MaxName = 255

// Names of meta keys.
var (
	MetaFormat    = []byte("mformat")
	MetaConsumers = []byte("mconsumers")
	MetaApplied   = []byte("mapplied")
	MetaBeginning = []byte("mbeginning")
	MetaDead      = []byte("mdead")
	MetaClock     = []byte("mclock")
	MetaRebuild   = []byte("mrebuild")
	MetaLost      = []byte("mlost")
	// MetaBeforeLost is there while a store goes on without changes that are lost.
	MetaBeforeLost = []byte("mbeforelost")
)

// DedupeKey identifies a source and an id.
type DedupeKey [16]byte

// DedupeKeySize is the size of the whole key in the store.
const DedupeKeySize = 1 + 4 + len(DedupeKey{})

// MakeDedupeKey digests a source and an id.
func MakeDedupeKey(source, id string) DedupeKey {
	var stack [192]byte
	b := binary.AppendUvarint(stack[:0], uint64(len(source)))
	b = append(b, source...)
	b = append(b, id...)
	sum := sha256.Sum256(b)
	return DedupeKey(sum[:16])
}

// AppendDedupeKey appends the key of a dedupe entry.
func AppendDedupeKey(dst []byte, bucket uint32, k DedupeKey) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, KindDedupe), bucket)
	return append(dst, k[:]...)
}

// BucketKey starts the keys of a bucket of dedupe entries.
func BucketKey(bucket uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{KindDedupe}, bucket)
}

// ConsumerKey is the key of a consumer's progress.
func ConsumerKey(name string) []byte {
	return append([]byte{KindConsumer}, name...)
}

// NamePrefix starts the keys of one kind and one consumer. Names have no zero byte.
func NamePrefix(kind byte, name string) []byte {
	b := append([]byte{kind}, name...)
	return append(b, 0)
}

// DeferredAtKey is the key of a deferred position; its value is the lane.
func DeferredAtKey(name string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(NamePrefix(KindDeferredAt, name), position)
}

// CopyKey is the key of a consumer's own copy of an event.
func CopyKey(name string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(NamePrefix(KindCopy, name), position)
}

// MemoKey is the key of a memo.
func MemoKey(name, key string) []byte {
	b := append(make([]byte, 0, 2+len(name)+len(key)), KindMemo)
	b = append(append(b, name...), 0)
	return append(b, key...)
}

// LifecycleKey is the key of a consumer's lifecycle.
func LifecycleKey(name string) []byte {
	return append([]byte{KindLifecycle}, name...)
}

// LanePrefix starts the keys of a lane's deferred events.
func LanePrefix(name, lane string) []byte {
	b := NamePrefix(KindDeferred, name)
	b = binary.BigEndian.AppendUint16(b, uint16(len(lane)))
	return append(b, lane...)
}

// DeferredKey is the key of a deferred event; its value is the retry state.
func DeferredKey(name, lane string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(LanePrefix(name, lane), position)
}

// SplitDeferredKey parses what follows NamePrefix.
func SplitDeferredKey(rest []byte) (lane string, position uint64, ok bool) {
	if len(rest) < 2 {
		return "", 0, false
	}
	n := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if len(rest) != n+8 {
		return "", 0, false
	}
	return string(rest[:n]), binary.BigEndian.Uint64(rest[n:]), true
}

// After returns the first key behind all that start with a prefix.
func After(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != math.MaxUint8 {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// PositionBehind returns the position that follows a prefix in a key, false where something else follows.
func PositionBehind(prefix, key []byte) (uint64, bool) {
	if len(key) != len(prefix)+8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), true
}
