package main

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// trimmed is what becomes of the disk's space when events go.
type trimmed struct {
	limit, counted int64
	// before, after and loaded are the sizes of the files: when the smaller limit was set, when
	// they had shrunk, and the most while events came in as fast as others went.
	before, after, loaded int64
	took                  time.Duration
	rate                  float64
}

// trim starts a Caddy whose max_size is a quarter of what is stored, waits until the files
// are smaller and then loads it.
func (g *growth) trim(ctx context.Context) (t trimmed, err error) {
	if t.before, err = folderSize(g.path); err != nil {
		return t, err
	}
	look := func(b buffer.Buffer) error {
		st := b.Stats()
		t.counted = int64(st.Bytes)
		g.countedEvent = float64(st.Bytes) / float64(st.Last-st.First+1)
		return nil
	}
	if err := fill(ctx, g.path, 0, 1, g.opts.size, look); err != nil {
		return t, err
	}
	t.limit = t.counted / 4
	s, bodies, _, err := g.launchAndAsk(ctx, site{name: "trimmed", buffer: g.path, maxSize: fmt.Sprint(t.limit)})
	if err != nil {
		return t, err
	}
	defer s.stop()
	if t.after, t.took, err = g.shrunk(ctx); err != nil {
		return t, err
	}
	ctxLoad, end := context.WithCancel(ctx)
	defer end()
	most := make(chan int64, 1)
	go func() { most <- largest(ctxLoad, g.path) }()
	// What comes in a second must be little of what trimming keeps free, else events are refused;
	// that is so for any limit that is not as small as that of a short run.
	rate := float64(t.limit) / 100 / g.countedEvent
	m, err := load(ctx, s.secure, bodies, effort{conns: g.opts.conns, during: trimLoad, rate: rate})
	end()
	t.loaded, t.rate = <-most, m.perSecond()
	if err != nil {
		return t, err
	}
	fmt.Printf("  trimmed to max_size %s: files %s, %v later %s (%s × max_size); under load at most %s (%s ×), %s events/s\n\n",
		megabytes(t.limit), megabytes(t.before), t.took.Round(time.Second), megabytes(t.after), t.ofLimit(t.after), megabytes(t.loaded), t.ofLimit(t.loaded), count(t.rate))
	return t, nil
}

func (t trimmed) ofLimit(size int64) string { return decimal(float64(size)/float64(t.limit), 2) }

// trimLoad is long enough for what was trimmed to come and go more than once.
const trimLoad = 20 * time.Second

// still is how long files must not have shrunk to count as shrunk; the buffer flushes
// deletions after two seconds.
const still = 5 * time.Second

// shrunk waits until the files of the buffer do not get fewer any more, and says when they
// were as small as they became.
func (g *growth) shrunk(ctx context.Context) (size int64, took time.Duration, err error) {
	begun := time.Now()
	last := begun
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for size, err = folderSize(g.path); err == nil && time.Since(last) < still; {
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-ticker.C:
		}
		var now int64
		if now, err = folderSize(g.path); now < size {
			size, last = now, time.Now()
		}
	}
	return size, last.Sub(begun), err
}

// largest watches a folder until ctx ends and returns the most that it took.
func largest(ctx context.Context, path string) (most int64) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		if size, err := folderSize(path); err == nil {
			most = max(most, size)
		}
		select {
		case <-ctx.Done():
			return most
		case <-ticker.C:
		}
	}
}
