package simulator

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"
)

// Summary is what came of all attempts.
type Summary struct {
	// Events that were begun, and the forged ones among them; Duplicates and Retries
	// are further requests for these.
	Events, Forged, Duplicates, Retries int
	// Accepted counts deliveries with the right result: genuine ones that were accepted,
	// and VERIFYs with the right answer. Failed counts those without, after the last
	// attempt. A duplicate is a delivery of its own.
	Accepted, Failed int
	// Refused counts forged events that were refused, and Fooled those that the
	// receiver took for genuine.
	Refused, Fooled int
	// Unsettled deliveries were cut off by the end of the context.
	Unsettled   int
	Interrupted bool
	// Answers are all answers, the most frequent first.
	Answers []Answer
	// Problems counts what was wrong with answers, by Result.Problem, retried
	// attempts included.
	Problems map[string]int
	Latency  Latency // of attempts that were answered
	Elapsed  time.Duration

	answers   map[Answer]int // with a Count of 0
	latencies []time.Duration
}

// Answer is a kind of answer and how often it came.
type Answer struct {
	Status int
	// Code is Result.AnswerCode; where Status is 0, the kind of failure.
	Code  string
	Count int
}

// Latency says how long answers took.
type Latency struct{ Min, P50, P90, P99, Max time.Duration }

func newSummary() *Summary {
	return &Summary{Problems: map[string]int{}, answers: map[Answer]int{}}
}

// OK reports whether every answer was, in the end, as it must be.
func (s *Summary) OK() bool { return s.Failed == 0 && s.Fooled == 0 && !s.Interrupted }

// Requests is the number of attempts that were made.
func (s *Summary) Requests() int { return s.Events + s.Duplicates + s.Retries }

// begun counts the first attempt of a delivery.
func (s *Summary) begun(d delivery) {
	if d.duplicate {
		s.Duplicates++
		return
	}
	s.Events++
	if d.forged {
		s.Forged++
	}
}

// add counts the end of an attempt.
func (s *Summary) add(r Result, cutOff bool) {
	if r.Attempt > 1 {
		s.Retries++
	}
	if cutOff {
		s.Unsettled++
		s.Interrupted = true
		return
	}
	if r.Err != nil {
		s.answers[Answer{Code: failureKind(r.Err)}]++
	} else {
		s.answers[Answer{Status: r.Status, Code: r.AnswerCode}]++
		s.latencies = append(s.latencies, r.Latency)
	}
	if r.Problem != "" {
		s.Problems[r.Problem]++
	}
	switch {
	case !r.Last:
	case r.Forged && r.Problem == "":
		s.Refused++
	case r.Forged && r.Err == nil:
		s.Fooled++
	case r.Problem == "":
		s.Accepted++
	default:
		s.Failed++
	}
}

func (s *Summary) finish(elapsed time.Duration) {
	s.Elapsed = elapsed
	for a, n := range s.answers {
		a.Count = n
		s.Answers = append(s.Answers, a)
	}
	slices.SortFunc(s.Answers, func(a, b Answer) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
	slices.Sort(s.latencies)
	s.Latency = latencyOf(s.latencies)
	s.latencies = nil
}

// latencyOf takes each percentile by nearest rank; sorted may be empty.
func latencyOf(sorted []time.Duration) Latency {
	at := func(percent int) time.Duration {
		if len(sorted) == 0 {
			return 0
		}
		rank := (len(sorted)*percent + 99) / 100
		return sorted[max(rank, 1)-1]
	}
	return Latency{Min: at(0), P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// failureKind names why there was no answer. The error itself may have ports and
// addresses that differ each time.
func failureKind(err error) string {
	var notTrusted *tls.CertificateVerificationError
	var noHost *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case errors.As(err, &notTrusted):
		return "certificate not trusted"
	case errors.As(err, &noHost):
		return "host not found"
	}
	return "connection failed"
}

// String names the answer as the table shows it.
func (a Answer) String() string {
	switch {
	case a.Status == 0:
		return "no answer: " + a.Code
	case a.Code != "":
		return strconv.Itoa(a.Status) + " " + a.Code
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}

// Write prints the summary as tables for people.
func (s *Summary) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }

	row("REQUESTS\tEVENTS\tFORGED\tDUPLICATES\tRETRIES\tTIME\tPER SECOND")
	perSecond := 0.0
	if s.Elapsed > 0 {
		perSecond = float64(s.Requests()) / s.Elapsed.Seconds()
	}
	row("%d\t%d\t%d\t%d\t%d\t%s\t%.1f", s.Requests(), s.Events, s.Forged, s.Duplicates, s.Retries, round(s.Elapsed), perSecond)
	row("")
	row("ANSWER\tCOUNT")
	for _, a := range s.Answers {
		row("%s\t%d", a, a.Count)
	}
	row("")
	row("LATENCY\tMIN\tP50\tP90\tP99\tMAX")
	l := s.Latency
	row("\t%s\t%s\t%s\t%s\t%s", round(l.Min), round(l.P50), round(l.P90), round(l.P99), round(l.Max))
	row("")
	row("accepted\t%d", s.Accepted)
	row("failed\t%d", s.Failed)
	if s.Forged > 0 {
		row("forged and refused\t%d", s.Refused)
		row("forged and accepted\t%d", s.Fooled)
	}
	if s.Interrupted {
		row("interrupted, without an end\t%d", s.Unsettled)
	}
	for _, problem := range sortedProblems(s.Problems) {
		row("%s\t%d", problem, s.Problems[problem])
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

func sortedProblems(problems map[string]int) []string {
	all := make([]string, 0, len(problems))
	for problem := range problems {
		all = append(all, problem)
	}
	slices.Sort(all)
	return all
}

// round leaves three digits or so.
func round(d time.Duration) time.Duration {
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
	return d.Round(time.Second)
}
