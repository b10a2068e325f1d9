package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// Parts of a run, which are the names of their reports too.
const (
	partReceiving  = "receiving"
	partDelivering = "delivering"
	partGrowth     = "growth"
	partObserving  = "observing"
	partBundled    = "bundled"
)

type options struct {
	caddy  string
	dir    string
	rounds int
	phase  time.Duration
	conns  int
	size   int

	backlog int
	large   int

	stored     sizes
	steady     time.Duration
	steadyRate float64

	only string
	full bool

	// command repeats the run.
	command string
}

// fullSize are the settings of the run whose figures stand in the documentation, as far
// as they are not given.
var fullSize = map[string]string{
	"rounds": "5", "phase": "10s", "large": "1000000", "stored": "1000000,5000000", "steady": "10m",
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.caddy, "caddy", "", "the Caddy binary to measure (default: build one)")
	flags.StringVar(&o.dir, "dir", "", "where the buffer is put: use the disk that you want to know about (default: the temporary folder)")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each phase runs")
	flags.DurationVar(&o.phase, "phase", 5*time.Second, "how long one phase of load lasts")
	flags.IntVar(&o.conns, "connections", 64, "keep-alive connections")
	flags.IntVar(&o.size, "size", 2048, "bytes of a body")
	flags.IntVar(&o.backlog, "backlog", 200_000, "events of the backlog that is drained; 0: none is")
	flags.IntVar(&o.large, "large", 0, "with a backlog of so many events too, such as 1000000: memory and start while nothing is delivered, then drain it")
	flags.Var(&o.stored, "stored", "what it costs when so many events are stored, such as 1000000,5000000: takes minutes and gigabytes")
	flags.DurationVar(&o.steady, "steady", 0, "load steadily for so long, to see what is written; an hour's events are pressed into less, see -steady-rate")
	flags.Float64Var(&o.steadyRate, "steady-rate", 300, "events a second of the hour that -steady stands for")
	flags.StringVar(&o.only, "only", "", "one part alone: "+strings.Join([]string{partReceiving, partDelivering, partGrowth, partObserving, partBundled}, ", "))
	flags.BoolVar(&o.full, "report", false, "the run whose reports stand in the documentation: more and longer phases, "+
		"1,000,000 and 5,000,000 stored events, an hour's load; takes about an hour and wants "+report.Folder+" set")
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stderr)
		flags.PrintDefaults()
	}
	if err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no option; -help lists them", flags.Arg(0))
	}
	given := map[string]bool{}
	command := []string{"go run ./caddymodule/cmd/bench"}
	flags.Visit(func(f *flag.Flag) {
		given[f.Name] = true
		// Where things lie on one machine is nobody else's concern.
		if f.Name == "caddy" || f.Name == "dir" {
			return
		}
		if f.Value.String() == "true" {
			command = append(command, "-"+f.Name)
		} else {
			command = append(command, "-"+f.Name, f.Value.String())
		}
	})
	o.command = strings.Join(command, " ")
	if o.full {
		if os.Getenv(report.Folder) == "" {
			return o, fmt.Errorf("-report writes reports, and %s does not say where; normally it is caddymodule/docs/reports", report.Folder)
		}
		for name, value := range fullSize {
			if given[name] {
				continue
			}
			if err := flags.Set(name, value); err != nil {
				return o, err
			}
		}
	}
	return o, o.check()
}

func (o options) check() error {
	switch o.only {
	case "", partReceiving, partDelivering, partGrowth, partObserving, partBundled:
	default:
		return fmt.Errorf("-only %s: there is no such part", o.only)
	}
	switch {
	case o.rounds < 1 || o.conns < 1:
		return errors.New("-rounds and -connections must be at least 1")
	case o.phase < 100*time.Millisecond:
		return errors.New("-phase must be at least 100ms")
	case o.size < 1 || o.size > 200<<10:
		return errors.New("-size must be between 1 and 204800, as the receiver takes at most 256 KiB")
	case o.backlog < 0 || o.large < 0:
		return errors.New("-backlog and -large must not be negative")
	case o.steady < 0 || o.steady > 0 && o.steady < minSteady:
		return fmt.Errorf("-steady must be at least %v", minSteady)
	case o.steadyRate <= 0:
		return errors.New("-steady-rate must be above 0")
	case o.only == partDelivering && o.backlog == 0:
		return errors.New("-only delivering with -backlog 0 leaves nothing to do")
	case o.only == partBundled && o.backlog == 0:
		return errors.New("-only bundled with -backlog 0 leaves nothing to do")
	case o.only == partGrowth && len(o.stored) == 0 && o.steady == 0:
		return errors.New("-only growth wants -stored or -steady")
	}
	return nil
}

func (o options) wants(part string) bool {
	if o.only != "" && o.only != part {
		return false
	}
	switch part {
	case partDelivering:
		return o.backlog > 0
	case partGrowth:
		return len(o.stored) > 0 || o.steady > 0
	case partObserving, partBundled:
		return o.only == part || o.full
	}
	return true
}

func (o options) report(part string) *report.Report { return report.New(part, o.command) }

// sizes are numbers of events, smallest first.
type sizes []int

func (s *sizes) String() string {
	texts := make([]string, len(*s))
	for i, n := range *s {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ",")
}

func (s *sizes) Set(text string) error {
	*s = nil
	last := 0
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of events", field)
		}
		if n <= last {
			return errors.New("the numbers must grow")
		}
		last = n
		*s = append(*s, n)
	}
	return nil
}

func (s sizes) most() int {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1]
}
