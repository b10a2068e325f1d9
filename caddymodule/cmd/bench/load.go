package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// target is one endpoint under load.
type target struct {
	name string
	addr string
	path string
	tls  *tls.Config // nil: plain HTTP
}

// effort is how hard the sender tries.
type effort struct {
	conns int
	// during which it sends.
	during time.Duration
	// rate in requests a second over all connections; 0: as many as are answered. With a
	// rate, the time of an answer counts from when its request was due, so that a receiver
	// which stalls is not spared the requests that it kept from being sent.
	rate float64
}

// measured is what one phase of load gave.
type measured struct {
	answers   int
	elapsed   time.Duration
	latencies []time.Duration // sorted
}

func (m measured) perSecond() float64 { return float64(m.answers) / m.elapsed.Seconds() }

// together runs work once for each of n workers, and sorts what all of them measured.
func together(n int, work func(worker int) ([]time.Duration, error)) (measured, error) {
	var (
		mu    sync.Mutex
		total measured
		errs  []error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for worker := range n {
		wg.Go(func() {
			latencies, err := work(worker)
			mu.Lock()
			defer mu.Unlock()
			total.latencies = append(total.latencies, latencies...)
			errs = append(errs, err)
		})
	}
	wg.Wait()
	total.elapsed = time.Since(start)
	total.answers = len(total.latencies)
	slices.Sort(total.latencies)
	// One failure tells enough: what hits one worker mostly hits them all.
	for _, err := range errs {
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// load posts signed events over keep-alive connections until the time is over. The
// sender writes requests by hand and reads only what it must of the answers, so that on a
// machine which it shares with the server most of the CPU is the server's.
func load(ctx context.Context, t target, bodies *bodyMaker, e effort) (measured, error) {
	open, err := dialAll(ctx, t, e.conns)
	if err != nil {
		return measured{}, fmt.Errorf("connecting to %s: %w", t.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, e.during)
	defer cancel()
	start := time.Now()
	m, err := together(e.conns, func(worker int) ([]time.Duration, error) {
		defer open[worker].Close()
		return loadConn(ctx, open[worker], t, bodies, newPace(e, start, worker))
	})
	if err != nil {
		return m, fmt.Errorf("loading %s: %w", t.name, err)
	}
	return m, nil
}

// dialAll opens the connections before the clock runs: handshakes are not what is
// measured.
func dialAll(ctx context.Context, t target, conns int) ([]net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	open := make([]net.Conn, 0, conns)
	for range conns {
		conn, err := dial(ctx, t)
		if err != nil {
			for _, c := range open {
				c.Close()
			}
			return nil, err
		}
		open = append(open, conn)
	}
	return open, nil
}

func loadConn(ctx context.Context, conn net.Conn, t target, bodies *bodyMaker, p pace) ([]time.Duration, error) {
	var (
		latencies []time.Duration
		reader    = bufio.NewReader(conn)
		request   []byte
		maker     = bodies.forWorker()
	)
	for {
		start := p.wait(ctx)
		select {
		case <-ctx.Done():
			return latencies, nil
		default:
		}
		request = maker.appendRequest(request[:0], t)
		if !p.paced() {
			start = time.Now()
		}
		if _, err := conn.Write(request); err != nil {
			return latencies, err
		}
		status, err := readAnswer(reader)
		if err != nil {
			return latencies, err
		}
		if status != 200 {
			return latencies, fmt.Errorf("answered %d", status)
		}
		latencies = append(latencies, time.Since(start))
	}
}

func dial(ctx context.Context, t target) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil || t.tls == nil {
		return conn, err
	}
	secure := tls.Client(conn, t.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func readAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("short status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("status line %q: %w", line, err)
	}
	length, err := skipHeader(r)
	if err != nil {
		return 0, err
	}
	_, err = r.Discard(length)
	return status, err
}

// postOne sends one signed event and reads the answer.
func postOne(conn net.Conn, t target, bodies *bodyMaker) (status int, err error) {
	if _, err := conn.Write(bodies.forWorker().appendRequest(nil, t)); err != nil {
		return 0, err
	}
	return readAnswer(bufio.NewReader(conn))
}
