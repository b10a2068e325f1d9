package disk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// The first byte of a key says what it is.
const (
	kindConsumer   = 'c'
	kindDedupe     = 'd'
	kindLifecycle  = 'i'
	kindMeta       = 'm'
	kindMemo       = 'n'
	kindDeferredAt = 'q'
	kindCopy       = 'r'
	kindDeferred   = 'w'
	kindDeadLetter = 'x'
)

// maxPosition is beyond every position.
const maxPosition = math.MaxUint64 - 1

// maxName bounds a consumer's name.
const maxName = 255

// Names of meta keys.
var (
	metaFormat    = []byte("mformat")
	metaConsumers = []byte("mconsumers")
	metaApplied   = []byte("mapplied")
	metaBeginning = []byte("mbeginning")
	metaDead      = []byte("mdead")
)

// dedupeKey identifies (source, id).
type dedupeKey [16]byte

// dedupeKeySize is that of the whole key in the store.
const dedupeKeySize = 1 + 4 + len(dedupeKey{})

func makeDedupeKey(source, id string) dedupeKey {
	var stack [192]byte
	b := binary.AppendUvarint(stack[:0], uint64(len(source)))
	b = append(b, source...)
	b = append(b, id...)
	sum := sha256.Sum256(b)
	return dedupeKey(sum[:16])
}

func appendDedupeKey(dst []byte, bucket uint32, k dedupeKey) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, kindDedupe), bucket)
	return append(dst, k[:]...)
}

func bucketKey(bucket uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{kindDedupe}, bucket)
}

func consumerKey(name string) []byte {
	return append([]byte{kindConsumer}, name...)
}

// namePrefix starts the keys of one consumer's deferred events; names have no
// zero byte.
func namePrefix(kind byte, name string) []byte {
	b := append([]byte{kind}, name...)
	return append(b, 0)
}

// deferredAtKey is that of a deferred position; its value is the lane.
func deferredAtKey(name string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(namePrefix(kindDeferredAt, name), position)
}

func copyKey(name string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(namePrefix(kindCopy, name), position)
}

func memoKey(name, key string) []byte {
	b := append(make([]byte, 0, 2+len(name)+len(key)), kindMemo)
	b = append(append(b, name...), 0)
	return append(b, key...)
}

func lifecycleKey(name string) []byte {
	return append([]byte{kindLifecycle}, name...)
}

func lanePrefix(name, lane string) []byte {
	b := namePrefix(kindDeferred, name)
	b = binary.BigEndian.AppendUint16(b, uint16(len(lane)))
	return append(b, lane...)
}

func deferredKey(name, lane string, position uint64) []byte {
	return binary.BigEndian.AppendUint64(lanePrefix(name, lane), position)
}

// splitDeferredKey takes what follows namePrefix apart.
func splitDeferredKey(rest []byte) (lane string, position uint64, ok bool) {
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

// after returns the first key behind all that start with prefix.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != math.MaxUint8 {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// positionBehind returns the position that follows a prefix in a key, false where something else does.
func positionBehind(prefix, key []byte) (uint64, bool) {
	if len(key) != len(prefix)+8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), true
}
