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

// MaxPosition is beyond every position.
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
)

// DedupeKey identifies (source, id).
type DedupeKey [16]byte

// DedupeKeySize is that of the whole key in the store.
const DedupeKeySize = 1 + 4 + len(DedupeKey{})

func MakeDedupeKey(source, id string) DedupeKey {
	var stack [192]byte
	b := binary.AppendUvarint(stack[:0], uint64(len(source)))
	b = append(b, source...)
	b = append(b, id...)
	sum := sha256.Sum256(b)
	return DedupeKey(sum[:16])
}

func AppendDedupeKey(dst []byte, bucket uint32, k DedupeKey) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, KindDedupe), bucket)
	return append(dst, k[:]...)
}

func BucketKey(bucket uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{KindDedupe}, bucket)
}

func ConsumerKey(name string) []byte {
	return append([]byte{KindConsumer}, name...)
}

// NamePrefix starts the keys of one consumer's deferred events; names have no
// zero byte.
func NamePrefix(kind byte, name string) []byte {
	b := append([]byte{kind}, name...)
	return append(b, 0)
}

// DeferredAtKey is that of a deferred position; its value is the lane.
func DeferredAtKey(name string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(NamePrefix(KindDeferredAt, name), position)
}

func CopyKey(name string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(NamePrefix(KindCopy, name), position)
}

func MemoKey(name, key string) []byte {
	b := append(make([]byte, 0, 2+len(name)+len(key)), KindMemo)
	b = append(append(b, name...), 0)
	return append(b, key...)
}

func LifecycleKey(name string) []byte {
	return append([]byte{KindLifecycle}, name...)
}

func LanePrefix(name, lane string) []byte {
	b := NamePrefix(KindDeferred, name)
	b = binary.BigEndian.AppendUint16(b, uint16(len(lane)))
	return append(b, lane...)
}

func DeferredKey(name, lane string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(LanePrefix(name, lane), position)
}

// SplitDeferredKey takes what follows namePrefix apart.
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

// After returns the first key behind all that start with prefix.
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

// PositionBehind returns the position that follows a prefix in a key, false where something else does.
func PositionBehind(prefix, key []byte) (uint64, bool) {
	if len(key) != len(prefix)+8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), true
}
