package receiver

import "sync"

// largestPooled is the largest buffer that is used again.
const largestPooled = 256 << 10

// bufferPool keeps the buffers that bodies have outgrown or need no more, one pool for each size. What a body outgrows
// serves another one at once: as garbage it would double the memory that bodies take.
type bufferPool struct {
	pools [5]sync.Pool // twice initialBody, four times, and so on up to largestPooled
}

// get returns an empty buffer of this size, which is in no use.
func (p *bufferPool) get(size int) []byte {
	if i := poolOf(size); i >= 0 {
		if b, ok := p.pools[i].Get().(*[]byte); ok {
			return *b
		}
	}
	return make([]byte, 0, size)
}

// put takes a buffer that is needed no more.
func (p *bufferPool) put(b []byte) {
	if i := poolOf(cap(b)); i >= 0 {
		empty := b[:0]
		p.pools[i].Put(&empty)
	}
}

// poolOf returns the number of the pool for buffers of a size, -1 for those that are not kept.
func poolOf(size int) int {
	for i, s := 0, 2*initialBody; s <= largestPooled; i, s = i+1, 2*s {
		if s == size {
			return i
		}
	}
	return -1
}
