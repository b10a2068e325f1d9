package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"time"
)

// variant is the receiver with some of what watches it switched on. The cost of each is what its row has less than the
// first one's.
type variant struct {
	name, what string
	// app are lines of the app's block.
	app string
	// scraped: the metrics are asked for each second, which is more often than Prometheus does.
	scraped bool
}

// nothing switches all off.
const nothing = "metrics off\nvehicles off\nlog_stages none"

// variants begin with the one in which all is off. Once more at the end it shows how much two rows differ that do the
// same.
var variants = []variant{
	{name: "all off", what: "nothing watches", app: nothing},
	{name: "metrics", what: "metrics, scraped each second", app: "vehicles off\nlog_stages none", scraped: true},
	{name: "vehicles", what: "when each vehicle was last heard of", app: "metrics off\nlog_stages none"},
	{name: "stages", what: "a line of the log for each step", app: "metrics off\nvehicles off\nlog_stages all"},
	{name: "usual", what: "metrics and vehicles, as without any option", scraped: true},
	{name: "all on", what: "metrics, vehicles and all stages", app: "log_stages all", scraped: true},
	{name: "all off again", what: "as the first row: how far equal rows lie apart", app: nothing},
}

// barObserving is what everything together may cost.
const barObserving = 0.05

// scrapeEvery is how often metrics are asked for.
const scrapeEvery = time.Second

// observing compares the receiver with itself, watched and not.
func (b *bench) observing(ctx context.Context) error {
	opts := b.opts
	token := rand.Text()
	bodies, err := newBodyMaker(token, opts.size)
	if err != nil {
		return err
	}
	var rows []*row
	for i, v := range variants {
		s, err := startServer(ctx, opts.caddy, b.dir, site{
			name: fmt.Sprintf("observing-%d", i), directive: receive, token: token, app: v.app,
		}, b.cert)
		if err != nil {
			return err
		}
		defer s.stop()
		rows = append(rows, v.row(s, bodies))
	}
	fmt.Printf("Observing: plain HTTP, %d connections, %d-byte bodies, %d rounds of %v for each row, in turns;"+
		" buffer on %s\n\n",
		opts.conns, opts.size, opts.rounds, opts.phase, b.dir)
	for _, r := range rows {
		fmt.Printf("  %-14s %s\n", r.name, r.what)
	}
	fmt.Println()
	results, err := compare(ctx, opts, opts.conns, rows)
	if err != nil {
		return err
	}
	t := observedTable(results)
	t.print(os.Stdout)
	fmt.Printf("  The bar: together no more than %.0f %%.\n\n", 100*barObserving)
	rep := opts.report(partObserving)
	for _, r := range results[1:] {
		rep.Figure(fmt.Sprintf("%s: answers a second ÷ all off (bar, of all together: %.2f or more)", r.name,
			1-barObserving),
			median(ratios(r.rates(), results[0].rates())), "")
	}
	rep.Figure("rounds", fmt.Sprintf("%d of %v for each row, in turns", opts.rounds, opts.phase), "")
	rep.Table(t.head, t.rows)
	return rep.Write()
}

// row loads a variant's server, and scrapes it meanwhile.
func (v variant) row(s *server, bodies *bodyMaker) *row {
	r := sent(v.name, v.what, s.pid(), s.plain, bodies)
	r.syncs = s.syncs
	if !v.scraped {
		return r
	}
	unscraped := r.load
	r.load = func(ctx context.Context, e effort) (measured, error) {
		ctx, stop := context.WithCancel(ctx)
		scraped := make(chan error, 1)
		go func() { scraped <- s.scrape(ctx) }()
		m, err := unscraped(ctx, e)
		stop()
		if failed := <-scraped; err == nil {
			err = failed
		}
		return m, err
	}
	return r
}

// scrape asks for the metrics again and again until ctx ends.
func (s *server) scrape(ctx context.Context) error {
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := get(ctx, s.admin+"/metrics"); err != nil && ctx.Err() == nil {
			return fmt.Errorf("scraping %s: %w", s.plain.name, err)
		}
	}
}

// observedTable compares each result with the first one.
func observedTable(results []result) table {
	t := table{head: []string{
		"row", "answers/s", "÷ all off", "rounds", "p50", "p99", "CPU/request", "÷ all off", "events/sync",
	}}
	base := results[0]
	for _, r := range results {
		rates := ratios(r.rates(), base.rates())
		s := r.sum()
		cpu, share := unknown, unknown
		if s.known {
			cpu = micros(s.use.CPU, s.answers)
			share = decimal(r.cpu()/base.cpu(), 3)
		}
		t.add(r.name, count(r.rate()), decimal(median(rates), 3),
			decimal(slices.Min(rates), 3)+" to "+decimal(slices.Max(rates), 3),
			millis(r.p50()), millis(r.typical(func(p phase) time.Duration { return p.p99 })),
			cpu, share, decimal(float64(s.answers)/float64(s.syncs), 1))
	}
	return t
}

// cpu is the processor time of the server's process for one answer, in seconds.
func (r result) cpu() float64 {
	s := r.sum()
	return s.use.CPU.Seconds() / float64(s.answers)
}
