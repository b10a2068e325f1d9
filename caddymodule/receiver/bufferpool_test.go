package receiver

import "testing"

func TestBufferPool(t *testing.T) {
	var p bufferPool
	for size, want := range map[int]int{initialBody: -1, 2 * initialBody: 0, 3 * initialBody: -1, largestPooled: len(p.pools) - 1, 2 * largestPooled: -1} {
		if got := poolOf(size); got != want {
			t.Errorf("buffers of %d bytes are in pool %d, want %d", size, got, want)
		}
		for range 10 {
			b := p.get(size)
			if len(b) != 0 || cap(b) != size {
				t.Fatalf("a buffer of %d bytes with %d in it, want one of %d", cap(b), len(b), size)
			}
			p.put(append(b, "left behind"...))
		}
	}
}
