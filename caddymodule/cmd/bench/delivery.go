package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/devcert"
)

// The fleets whose backlogs are drained, and the small backlog that larger ones are
// compared with.
const (
	manyVehicles = 5000
	fewVehicles  = 20
	smallBacklog = 10_000
	smallRounds  = 3
	// bar is how many times the ingest figure delivery has to reach.
	bar = 3
)

// measureDelivery drains backlogs and prints how that went beside ingest, in events a second.
func measureDelivery(ctx context.Context, opts options, dir string, cert devcert.Files, ingest float64) error {
	m := &delivery{opts: opts, dir: dir, cert: cert}
	fmt.Printf("\nDelivery: a backlog of %d events of %d bytes, through a handler's process that does nothing, default settings\n\n", opts.backlog, opts.size)

	many, err := m.write(ctx, opts.backlog, manyVehicles)
	if err != nil {
		return err
	}
	rate, err := m.row(ctx, many, fmt.Sprintf("%d vehicles", manyVehicles))
	if err != nil {
		return err
	}
	single := many
	single.single = true
	if _, err := m.row(ctx, single, fmt.Sprintf("%d vehicles, one event a call", manyVehicles)); err != nil {
		return err
	}
	if err := m.remove(many); err != nil {
		return err
	}
	few, err := m.write(ctx, opts.backlog, fewVehicles)
	if err != nil {
		return err
	}
	if _, err := m.row(ctx, few, fmt.Sprintf("%d vehicles", fewVehicles)); err != nil {
		return err
	}
	if err := m.remove(few); err != nil {
		return err
	}
	fmt.Printf("  ratio    delivery / ingest = %.2f  (%.0f and %.0f events/s; the bar is %d)\n", rate.perSecond()/ingest, rate.perSecond(), ingest, bar)
	return m.growth(ctx, rate)
}

// growth compares what an event costs in a small backlog and in large ones.
func (m *delivery) growth(ctx context.Context, full drained) error {
	var costs []float64
	for range smallRounds {
		d, err := m.once(ctx, smallBacklog)
		if err != nil {
			return err
		}
		costs = append(costs, float64(d.perEvent()))
	}
	small := time.Duration(median(costs))
	fmt.Printf("\nCost of one event, %d vehicles\n  of %8d waiting   %v\n", manyVehicles, smallBacklog, small.Round(100*time.Nanosecond))
	larger := []drained{full}
	if m.opts.large > 0 {
		d, err := m.once(ctx, m.opts.large)
		if err != nil {
			return err
		}
		larger = append(larger, d)
	}
	for _, d := range larger {
		fmt.Printf("  of %8d waiting   %v  ratio %.2f\n", d.Events, d.perEvent().Round(100*time.Nanosecond), float64(d.perEvent())/float64(small))
	}
	return nil
}

// delivery names the handlers and folders of a run.
type delivery struct {
	opts options
	dir  string
	cert devcert.Files
	runs int
}

func (m *delivery) write(ctx context.Context, events, vehicles int) (backlog, error) {
	m.runs++
	of := backlog{path: filepath.Join(m.dir, fmt.Sprintf("backlog%d", m.runs)), events: events}
	return of, writeBacklog(ctx, of.path, events, vehicles, m.opts.size)
}

func (m *delivery) remove(of backlog) error { return os.RemoveAll(of.path) }

func (m *delivery) drain(ctx context.Context, of backlog) (drained, error) {
	m.runs++
	return drain(ctx, m.opts, m.dir, of, fmt.Sprintf("drain%d", m.runs), m.cert)
}

// once writes, drains and removes a backlog.
func (m *delivery) once(ctx context.Context, events int) (drained, error) {
	of, err := m.write(ctx, events, manyVehicles)
	if err != nil {
		return drained{}, err
	}
	d, err := m.drain(ctx, of)
	if err != nil {
		return drained{}, err
	}
	return d, m.remove(of)
}

// row drains a backlog and prints a line.
func (m *delivery) row(ctx context.Context, of backlog, label string) (drained, error) {
	d, err := m.drain(ctx, of)
	if err != nil {
		return drained{}, err
	}
	memory := ""
	if d.peak > 0 {
		memory = fmt.Sprintf("   host's memory at most %d MiB", d.peak>>20)
	}
	fmt.Printf("  %-30s %8.0f events/s in calls of %.1f   %d out of order, %d repeated%s\n",
		label, d.perSecond(), float64(d.Events)/float64(d.Calls), d.Disordered, d.Repeated, memory)
	return d, nil
}
