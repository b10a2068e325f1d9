// Command fuzz runs every fuzz target of the project for a while, as many at once as
// there are processors, each with one worker:
//
//	FUZZTIME=10m go run ./caddymodule/cmd/fuzz
//	go run ./caddymodule/cmd/fuzz -time 2s -match ParseEvent
//	go run ./caddymodule/cmd/fuzz -time 2s -keep 24     # and adds to the corpora that are committed
//
// It ends with an error if a target found something; Go has then written the input into
// the package's testdata/fuzz, where `go test` runs it from then on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	each := flag.Duration("time", 0, "how long each target runs (default: $FUZZTIME, else 30s)")
	match := flag.String("match", "", "only targets whose folder and name match this regular expression")
	jobs := flag.Int("jobs", runtime.NumCPU(), "how many targets run at once")
	most := flag.Int("keep", 0, "add to each target's testdata/fuzz, until it has so many inputs, some of those that Go's cache has of this and earlier runs")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	limit, err := fuzzTime(*each, os.Getenv("FUZZTIME"))
	if err != nil {
		return err
	}
	pick, err := regexp.Compile(*match)
	if err != nil {
		return fmt.Errorf("-match: %w", err)
	}
	targets, err := find(".", pick)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return fmt.Errorf("no target found: run it in the project's top folder")
	}
	r := report.New("fuzz", command(limit, *jobs, *match))
	results := fuzzAll(ctx, targets, limit, max(1, *jobs))
	failed := write(r, results, limit)
	if err := r.Write(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := keepAll(ctx, targets, *most); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d targets failed: %s", len(failed), len(results), strings.Join(failed, ", "))
	}
	return nil
}

// command repeats the run.
func command(limit time.Duration, jobs int, match string) string {
	c := fmt.Sprintf("FUZZTIME=%s go run ./caddymodule/cmd/fuzz", limit)
	if jobs != runtime.NumCPU() {
		c += fmt.Sprintf(" -jobs %d", jobs)
	}
	if match != "" {
		c += fmt.Sprintf(" -match '%s'", match)
	}
	return c
}

// fuzzTime is the flag's value, else the environment's, else the default.
func fuzzTime(given time.Duration, env string) (time.Duration, error) {
	if given == 0 && env != "" {
		d, err := time.ParseDuration(env)
		if err != nil {
			return 0, fmt.Errorf("FUZZTIME: %w", err)
		}
		given = d
	}
	if given == 0 {
		return 30 * time.Second, nil
	}
	if given < 0 {
		return 0, fmt.Errorf("a time of %s: must be more than 0", given)
	}
	return given, nil
}

// fuzzAll runs the targets, some at once, and returns their results in the same order.
func fuzzAll(ctx context.Context, targets []target, limit time.Duration, jobs int) []result {
	results := make([]result, len(targets))
	next := make(chan int)
	var wg sync.WaitGroup
	var out sync.Mutex
	for range min(jobs, len(targets)) {
		wg.Go(func() {
			for i := range next {
				results[i] = targets[i].fuzz(ctx, limit)
				out.Lock()
				fmt.Println(results[i])
				out.Unlock()
			}
		})
	}
	for i := range targets {
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}

// keepAll adds to the corpora that are committed.
func keepAll(ctx context.Context, targets []target, most int) error {
	if most <= 0 {
		return nil
	}
	c, err := findCorpus(ctx)
	if err != nil {
		return err
	}
	copied := 0
	for _, t := range targets {
		n, err := c.keep(t, most)
		if err != nil {
			return err
		}
		copied += n
	}
	fmt.Printf("%d inputs were added to testdata/fuzz\n", copied)
	return nil
}

// write fills the report and returns the names of the targets that failed.
func write(r *report.Report, results []result, limit time.Duration) (failed []string) {
	var executions, interesting int
	var rows [][]string
	for _, res := range results {
		executions += res.executions
		interesting += res.interesting
		verdict := "0"
		if res.err != nil {
			verdict = "1"
			failed = append(failed, res.String())
		}
		rows = append(rows, []string{res.dir, res.name, fmt.Sprint(res.executions), fmt.Sprint(res.interesting), res.took.Round(time.Second).String(), verdict})
	}
	r.Figure("targets", len(results), "")
	r.Figure("time for each", limit, "")
	r.Figure("executions", executions, "")
	r.Figure("new interesting inputs", interesting, "")
	r.Figure("findings", len(failed), "")
	r.Table([]string{"package", "target", "executions", "new interesting", "time with build", "findings"}, rows)
	r.Note("What is interesting is what reaches code that no input in the cache of earlier runs on the same machine did; so a later run has fewer.")
	return failed
}
