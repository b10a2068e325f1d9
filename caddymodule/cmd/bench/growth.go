package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// barGrowth is what ingest with many stored events has to reach of ingest with none.
const barGrowth = 0.9

// growth is one buffer that grows, and empty ones beside it.
type growth struct {
	*bench
	// path of the one that grows, and how many events were filled in so far.
	path   string
	filled int
	runs   int
	// countedEvent is what one event counts for in max_size, in bytes.
	countedEvent float64
}

// growing measures what it costs when many events are stored, and what steady load writes.
func (b *bench) growing(ctx context.Context) error {
	rep := b.opts.report(partGrowth)
	rep.Figure("body", b.opts.size, "bytes")
	rep.Figure("connections", b.opts.conns, "")
	if len(b.opts.stored) > 0 {
		g := &growth{bench: b, path: filepath.Join(b.dir, "grown")}
		stages, err := g.stages(ctx)
		if err != nil {
			return err
		}
		trimmed, err := g.trim(ctx)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(g.path); err != nil {
			return err
		}
		reportStages(rep, b.opts, stages, trimmed)
		// What took so long must not be lost if the next part fails.
		if err := rep.Write(); err != nil {
			return err
		}
	}
	if b.opts.steady > 0 {
		s, err := b.steadily(ctx)
		if err != nil {
			return err
		}
		s.toReport(rep, b.opts)
	}
	return rep.Write()
}

// stage is what things cost with so many stored events, and, in the same run, with none.
type stage struct {
	stored int
	// ingest and drains, and beside them those with an empty buffer, one more of each: before,
	// between and after.
	full, empty    result
	drains, others []float64
	// disk is what the files take for each event, in bytes, counted what it counts for in max_size.
	disk, counted float64
	// first 200 after the start of the process, memory at rest and the most under load.
	first, emptyFirst time.Duration
	// cold is the first with the files not in memory; 0: not known here.
	cold            time.Duration
	rest, emptyRest int64
	peak, emptyPeak int64
}

// against divides each figure by the mean of those before and after it, so that a machine
// which grows slower or faster in the meantime moves neither.
func against(full, empty []float64) float64 {
	out := make([]float64, 0, len(full))
	for i, f := range full {
		out = append(out, 2*f/(empty[i]+empty[i+1]))
	}
	return median(out)
}

func (s stage) ingestRatio() float64 { return against(s.full.rates(), s.empty.rates()) }

func (s stage) drainRatio() float64 { return against(s.drains, s.others) }

func (g *growth) stages(ctx context.Context) (all []stage, err error) {
	fmt.Printf("Growth: ingest over TLS with %d connections, %d phases of %v with stored events and %d with none, in turns\n\n",
		g.opts.conns, g.opts.rounds, g.opts.phase, g.opts.rounds+1)
	for _, n := range g.opts.stored {
		s, err := g.stage(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("with %d stored events: %w", n, err)
		}
		all = append(all, s)
	}
	t := stageTable(all, g.opts.size)
	fmt.Println()
	printTable(t)
	for _, s := range all {
		fmt.Printf("  ingest with %s stored ÷ ingest with none %s (bar: %.1f or more)\n", count(float64(s.stored)), decimal(s.ingestRatio(), 2), barGrowth)
	}
	fmt.Println()
	return all, nil
}

func (g *growth) stage(ctx context.Context, n int) (s stage, err error) {
	begun := time.Now()
	// Filling must not leave work behind that a buffer filled in the course of days has done.
	quiet := func(b buffer.Buffer) error {
		st := b.Stats()
		s.counted = float64(st.Bytes) / float64(st.Last-st.First+1)
		return settle(ctx, selfPID, quietAfterFill)
	}
	if err := fill(ctx, g.path, n-g.filled, manyVehicles, g.opts.size, quiet); err != nil {
		return s, err
	}
	g.filled = n
	s.stored = n
	size, err := folderSize(g.path)
	if err != nil {
		return s, err
	}
	s.disk = float64(size) / float64(n)
	fmt.Printf("  %s events stored in %v, %.2f GiB\n", count(float64(n)), since(begun), gib(size))
	if err := g.ingestStage(ctx, &s); err != nil {
		return s, err
	}
	if g.opts.backlog > 0 {
		if err := g.drainStage(ctx, &s); err != nil {
			return s, err
		}
	}
	s.cold, err = g.coldStart(ctx, site{name: fmt.Sprintf("cold%d", n), buffer: g.path})
	return s, err
}

// ingestStage loads the grown buffer and empty ones in turns.
func (g *growth) ingestStage(ctx context.Context, s *stage) error {
	server, bodies, first, err := g.launchAndAsk(ctx, site{name: fmt.Sprintf("grown%d", s.stored), buffer: g.path})
	if err != nil {
		return err
	}
	defer server.stop()
	s.first = first
	if s.rest, err = server.warm(ctx, bodies, g.opts.conns); err != nil {
		return err
	}
	r := server.receiverRow(bodies)
	s.full.row, s.empty.row = r, r
	effort := effort{conns: g.opts.conns, during: g.opts.phase}
	for round := range g.opts.rounds + 1 {
		if err := g.emptyPhase(ctx, s); err != nil {
			return err
		}
		if round == g.opts.rounds {
			break
		}
		p, err := r.measure(ctx, effort)
		if err != nil {
			return err
		}
		s.full.phases = append(s.full.phases, p)
		fmt.Printf("    ingest: empty %s, with %s stored %s events/s\n", count(s.empty.phases[round].rate), count(float64(s.stored)), count(p.rate))
	}
	u, _ := use(server.pid())
	s.peak = u.Peak
	return nil
}

// emptyPhase loads a Caddy with a new, empty buffer.
func (g *growth) emptyPhase(ctx context.Context, s *stage) error {
	g.runs++
	name := fmt.Sprintf("empty%d", g.runs)
	server, bodies, first, err := g.launchAndAsk(ctx, site{name: name})
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(filepath.Join(g.dir, name)) }()
	defer server.stop()
	rest, err := server.warm(ctx, bodies, g.opts.conns)
	if err != nil {
		return err
	}
	p, err := server.receiverRow(bodies).measure(ctx, effort{conns: g.opts.conns, during: g.opts.phase})
	if err != nil {
		return err
	}
	s.empty.phases = append(s.empty.phases, p)
	u, _ := use(server.pid())
	s.emptyFirst, s.emptyRest, s.emptyPeak = max(s.emptyFirst, first), max(s.emptyRest, rest), max(s.emptyPeak, u.Peak)
	return nil
}

// warm lets a server do what follows a start, and says what memory it has then; after that it
// is loaded for a moment.
func (s *server) warm(ctx context.Context, bodies *bodyMaker, conns int) (rest int64, err error) {
	if err := settle(ctx, s.pid(), quietAfterLoad); err != nil {
		return 0, err
	}
	u, _ := use(s.pid())
	if _, err := load(ctx, s.secure, bodies, effort{conns: conns, during: warmUp}); err != nil {
		return 0, err
	}
	return u.Resident, settle(ctx, s.pid(), quietAfterLoad)
}

// receiverRow is a server's receiver as a row, over TLS.
func (s *server) receiverRow(bodies *bodyMaker) *row {
	r := sent(rowReceiver, "", s.pid(), s.secure, bodies)
	r.syncs = s.syncs
	return r
}

// drainStage drains a backlog that lies behind the stored events, and the same of an
// otherwise empty buffer before and after.
func (g *growth) drainStage(ctx context.Context, s *stage) error {
	empty := backlog{path: filepath.Join(g.dir, "drained"), events: g.opts.backlog}
	if err := fill(ctx, empty.path, empty.events, manyVehicles, g.opts.size, nil); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(empty.path) }()
	behind := backlog{path: g.path, events: g.opts.backlog, consumer: fmt.Sprintf("behind%d", s.stored)}
	from := func(b buffer.Buffer) error {
		return b.CreateConsumers(ctx, buffer.ConsumerSpec{Name: behind.consumer, Start: buffer.Start{From: buffer.StartNow}})
	}
	if err := fill(ctx, g.path, 0, 1, g.opts.size, from); err != nil {
		return err
	}
	if err := fill(ctx, g.path, behind.events, manyVehicles, g.opts.size, nil); err != nil {
		return err
	}
	for i, of := range []backlog{empty, behind, empty} {
		g.runs++
		d, err := g.drain(ctx, of, fmt.Sprintf("drain%d", g.runs))
		if err != nil {
			return err
		}
		if i == 1 {
			s.drains = append(s.drains, d.perSecond())
		} else {
			s.others = append(s.others, d.perSecond())
		}
	}
	fmt.Printf("    drain of %s: %s, behind %s stored %s, again %s events/s\n", count(float64(g.opts.backlog)),
		count(s.others[0]), count(float64(s.stored)), count(s.drains[0]), count(s.others[1]))
	// A handler that is gone would hold back what is stored from now on.
	return fill(ctx, g.path, 0, 1, g.opts.size, func(b buffer.Buffer) error { return b.ForgetConsumer(ctx, behind.consumer) })
}
