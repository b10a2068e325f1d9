package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// Bars of the receiving part.
const (
	barSecure = 0.70
	barPlain  = 0.60
	barAdded  = 1.3
)

func printTable(t table) { t.print(os.Stdout) }

// tabled are the results that belong in the table: the sink has a line of its own.
func tabled(results []result) []result {
	return slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.name == rowSink })
}

func printResults(results []result, size int) {
	printTable(lines(tabled(results), named(results, rowRespond), size))
	low, high := durableRatios(results)
	fmt.Printf("  receiver ÷ respond %s (rounds: %s to %s)\n", decimal(durableRatio(results), 2), decimal(low, 2), decimal(high, 2))
	fmt.Printf("  %s\n\n", senderLine(results))
}

// durableRatio is the receiver's rate as a share of the plain answer's.
func durableRatio(results []result) float64 {
	return median(ratios(named(results, rowReceiver).rates(), named(results, rowRespond).rates()))
}

func durableRatios(results []result) (low, high float64) {
	all := ratios(named(results, rowReceiver).rates(), named(results, rowRespond).rates())
	return slices.Min(all), slices.Max(all)
}

// senderLine says how far the sender is from holding up the fastest server.
func senderLine(results []result) string {
	servers := slices.DeleteFunc(tabled(results), func(r result) bool { return r.pid == selfPID })
	fastest := slices.MaxFunc(servers, func(a, b result) int {
		if a.rate() < b.rate() {
			return -1
		}
		return 1
	})
	sink := named(results, rowSink)
	line := fmt.Sprintf("sender: against a sink that answers without looking %s/s, %s × the fastest row (%s, %s/s)",
		count(sink.rate()), decimal(sink.rate()/fastest.rate(), 1), fastest.name, count(fastest.rate()))
	if !fastest.sum().known {
		return line
	}
	for i, r := range []result{fastest, named(results, rowReceiver)} {
		s := r.sum()
		if i == 0 {
			line += fmt.Sprintf("; its share of the %d processors: ", runtime.NumCPU())
		} else {
			line += ", "
		}
		line += fmt.Sprintf("%s %.0f %%", r.name, 100*share(s.sender, s.elapsed))
	}
	return line
}

func reportIngest(rep *report.Report, opts options, all compared, a alone) error {
	rep.Figure(fmt.Sprintf("receiver ÷ `respond 200`, TLS (bar: %.2f or more)", barSecure), durableRatio(all.secure), "")
	rep.Figure(fmt.Sprintf("receiver ÷ `respond 200`, plain HTTP (bar: %.2f or more)", barPlain), durableRatio(all.plain), "")
	rep.Figure(fmt.Sprintf("added latency of one event alone ÷ one raw write + fdatasync (bar: %.1f or less)", barAdded), a.ratio(), "")
	rep.Figure("connections", opts.conns, "")
	rep.Figure("body", opts.size, "bytes")
	rep.Figure("rounds", fmt.Sprintf("%d of %v for each row, in turns", opts.rounds, opts.phase), "")
	for _, part := range []struct {
		name    string
		results []result
	}{{"TLS", all.secure}, {"Plain HTTP", all.plain}} {
		rep.Note("## " + part.name)
		t := lines(tabled(part.results), named(part.results, rowRespond), opts.size)
		rep.Table(t.head, t.rows)
		rep.Note("The " + senderLine(part.results) + ".")
	}
	rep.Note("## One connection, TLS")
	t := lines(a.results, named(a.results, rowRespond), opts.size)
	rep.Table(t.head, t.rows)

	rep.Note("## What the rows and columns are")
	what := table{head: []string{"row", "what it does"}}
	for _, r := range append(tabled(all.secure), a.results[len(a.results)-1]) {
		what.add(r.name, r.what)
	}
	rep.Table(what.head, what.rows)
	rep.Note(columnsNote)
	return rep.Write()
}

const columnsNote = "Rates, ratios and percentiles are medians over the rounds, ratios of what was measured in the same round; max is the longest of all. " +
	"CPU/request is the processor time of the server's process (`/proc/PID/stat`), sender's that of the sender beside it; both share the processors. " +
	"Syncs of the receiver are the groups that its buffer synced, by its own count in the admin API; syncs of the files that Pebble writes in the background are not in it. " +
	"Those of the other rows are counted where they are made. written/received is what the process gave to the disk (`write_bytes` of `/proc/PID/io`, whole pages, " +
	"without the file system's journal) for each byte of a body. CPU and bytes are counted until the process is quiet after its turn, so that what it put off is in them. " +
	"Sender and server run on the same machine, so a row's rate has the sender's work in it: that moves a ratio of rates towards 1, and CPU/request is what a machine of its own would go by."
