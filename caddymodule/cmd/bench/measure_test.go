package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// Real servers under real load: what is counted must fit to what was sent.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	cert, err := devcert.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	const token = "0123456789abcdef"
	bodies, err := newBodyMaker(token, 2048)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := startChild(t.Context(), childOrder{Kind: kindBare, Dir: dir, Token: token}, cert)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.stop()
	sink, err := startChild(t.Context(), childOrder{Kind: kindSink}, cert)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.stop()
	for name, tt := range map[string]struct {
		server *child
		at     target
		stores bool
	}{
		"bare over TLS":      {bare, bare.secure, true},
		"bare in plain HTTP": {bare, bare.plain, true},
		"sink over TLS":      {sink, sink.secure, false},
		"sink in plain HTTP": {sink, sink.plain, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := sent(name, "", tt.server.pid(), tt.at, bodies)
			if tt.stores {
				r.syncs = tt.server.syncs
			}
			p, err := r.measure(t.Context(), effort{conns: 4, during: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if p.answers == 0 || p.rate <= 0 || p.p50 <= 0 || p.p50 > p.p90 || p.p90 > p.p99 || p.p99 > p.max {
				t.Errorf("measured %+v", p)
			}
			if runtime.GOOS == "linux" && !p.known {
				t.Error("the use of the process is not known")
			}
			if !tt.stores {
				return
			}
			if p.syncs == 0 || p.syncs > uint64(p.answers) {
				t.Errorf("%d syncs for %d answers", p.syncs, p.answers)
			}
			// A folder in memory is on no disk.
			if written := p.use.Written; p.known && written != 0 && written < int64(p.answers*2048) {
				t.Errorf("%d bytes written for %d bodies of %d", written, p.answers, 2048)
			}
		})
	}
	wrong, err := newBodyMaker("another token 123", 2048)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(t.Context(), bare.plain, wrong, effort{conns: 1, during: time.Second}); err == nil {
		t.Error("refused events were measured as if they were answered")
	}
}

func TestLoadHoldsItsRate(t *testing.T) {
	dir := t.TempDir()
	cert, err := devcert.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	sink, err := startChild(t.Context(), childOrder{Kind: kindSink}, cert)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.stop()
	bodies, err := newBodyMaker("0123456789abcdef", 2048)
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(t.Context(), sink.plain, bodies, effort{conns: 4, during: time.Second, rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	// A request counts from when it was due, so a machine too busy for the rate has slow answers.
	if most := int(100*m.elapsed.Seconds()) + 4; m.answers == 0 || m.answers > most {
		t.Fatalf("%d answers in %v at 100 a second", m.answers, m.elapsed)
	}
	if slowest := m.latencies[m.answers-1]; m.answers < 60 && slowest < 200*time.Millisecond {
		t.Errorf("%d answers in a second at 100 a second, none slower than %v", m.answers, slowest)
	}
}
