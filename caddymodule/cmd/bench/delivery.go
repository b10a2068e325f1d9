package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// The fleets whose backlogs are drained, and the small backlog that larger ones are
// compared with.
const (
	manyVehicles = 5000
	fewVehicles  = 20
	smallBacklog = 10_000
	smallRounds  = 3
	// barDelivered is how many times the ingest figure delivery has to reach.
	barDelivered = 3
)

// delivery names the handlers and folders of a run.
type delivery struct {
	*bench
	runs  int
	table table
}

// delivering drains backlogs and prints how that went beside ingest.
func (b *bench) delivering(ctx context.Context) error {
	m := &delivery{bench: b, table: table{head: []string{"backlog", "events/s", "÷ ingest", "events/call",
		"Caddy's CPU/event", "handler's", "start to first event", "Caddy's peak memory"}}}
	rep := b.opts.report(partDelivering)
	fmt.Printf("Delivering: a backlog of %d events of %d bytes, through a handler's process that does nothing but check the order, default settings\n\n",
		b.opts.backlog, b.opts.size)

	many, err := m.write(ctx, b.opts.backlog, manyVehicles)
	if err != nil {
		return err
	}
	full, err := m.row(ctx, many, fmt.Sprintf("%d vehicles", manyVehicles))
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
	few, err := m.write(ctx, b.opts.backlog, fewVehicles)
	if err != nil {
		return err
	}
	if _, err := m.row(ctx, few, fmt.Sprintf("%d vehicles", fewVehicles)); err != nil {
		return err
	}
	if err := m.remove(few); err != nil {
		return err
	}
	printTable(m.table)
	if b.ingest > 0 {
		fmt.Printf("  delivery ÷ ingest %s (%s and %s events/s; the bar is %d)\n\n",
			decimal(full.perSecond()/b.ingest, 2), count(full.perSecond()), count(b.ingest), barDelivered)
	}
	larger, standing, err := m.large(ctx)
	if err != nil {
		return err
	}
	costs, err := m.costs(ctx, append([]drained{full}, larger...))
	if err != nil {
		return err
	}
	return m.toReport(rep, full, costs, standing)
}

// write stores a new backlog.
func (m *delivery) write(ctx context.Context, events, vehicles int) (backlog, error) {
	m.runs++
	of := backlog{path: filepath.Join(m.dir, fmt.Sprintf("backlog%d", m.runs)), events: events}
	return of, fill(ctx, of.path, events, vehicles, m.opts.size, nil)
}

func (m *delivery) remove(of backlog) error { return os.RemoveAll(of.path) }

func (m *delivery) once(ctx context.Context, of backlog) (drained, error) {
	m.runs++
	return m.drain(ctx, of, fmt.Sprintf("drain%d", m.runs))
}

// row drains a backlog and adds a line to the table.
func (m *delivery) row(ctx context.Context, of backlog, label string) (drained, error) {
	d, err := m.once(ctx, of)
	if err != nil {
		return drained{}, err
	}
	ratio, host, plugin := unknown, unknown, unknown
	if m.ingest > 0 {
		ratio = decimal(d.perSecond()/m.ingest, 2)
	}
	if d.Host > 0 {
		host, plugin = micros(d.Host, d.Events), micros(d.Plugin, d.Events)
	}
	m.table.add(label, count(d.perSecond()), ratio, decimal(float64(d.Events)/float64(d.Calls), 1),
		host, plugin, millis(d.begin), megabytes(d.peak))
	fmt.Printf("  %s: %s events/s, %d out of order, %d repeated\n", label, count(d.perSecond()), d.Disordered, d.Repeated)
	return d, nil
}

// costs compares what an event costs in a small backlog and in large ones.
func (m *delivery) costs(ctx context.Context, larger []drained) (table, error) {
	var costs []float64
	for range smallRounds {
		of, err := m.write(ctx, smallBacklog, manyVehicles)
		if err != nil {
			return table{}, err
		}
		d, err := m.once(ctx, of)
		if err != nil {
			return table{}, err
		}
		if err := m.remove(of); err != nil {
			return table{}, err
		}
		costs = append(costs, float64(d.perEvent()))
	}
	small := median(costs)
	t := table{head: []string{"events that wait", "time of one event", "ratio"}}
	t.add(count(smallBacklog), micros(time.Duration(small), 1), "1")
	for _, d := range larger {
		t.add(count(float64(d.backlog)), micros(d.perEvent(), 1), decimal(float64(d.perEvent())/small, 2))
	}
	printTable(t)
	return t, nil
}

// paused makes a consumer that waits from the first event on and is paused.
func paused(name string) func(buffer.Buffer) error {
	return func(b buffer.Buffer) error {
		ctx := context.Background()
		if err := b.CreateConsumers(ctx, buffer.ConsumerSpec{Name: name, Start: buffer.Start{From: buffer.StartBeginning}}); err != nil {
			return err
		}
		return b.PauseConsumer(ctx, name, true)
	}
}
