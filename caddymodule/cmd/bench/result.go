package main

import (
	"math"
	"time"
)

// result is what a row did in all its turns.
type result struct {
	*row
	phases []phase
}

func (r result) each(f func(phase) float64) []float64 {
	out := make([]float64, len(r.phases))
	for i, p := range r.phases {
		out[i] = f(p)
	}
	return out
}

func (r result) rates() []float64 { return r.each(func(p phase) float64 { return p.rate }) }

func (r result) rate() float64 { return median(r.rates()) }

// typical is the median over the turns of a time.
func (r result) typical(f func(phase) time.Duration) time.Duration {
	m := median(r.each(func(p phase) float64 { return float64(f(p)) }))
	if math.IsNaN(m) {
		return 0
	}
	return time.Duration(m)
}

func (r result) p50() time.Duration { return r.typical(func(p phase) time.Duration { return p.p50 }) }

// sum adds up all turns.
func (r result) sum() (s phase) {
	s.known = len(r.phases) > 0
	for _, p := range r.phases {
		s.answers += p.answers
		s.elapsed += p.elapsed
		s.use.CPU += p.use.CPU
		s.use.Written += p.use.Written
		s.sender += p.sender
		s.syncs += p.syncs
		s.max = max(s.max, p.max)
		s.known = s.known && p.known
	}
	return s
}

var resultHead = []string{"row", "answers/s", "÷ respond", "p50", "p90", "p99", "max",
	"CPU/request", "sender's", "syncs/s", "events/sync", "written/received"}

// cells are a line of the table. base is the row that it is compared with, size that of a
// body.
func (r result) cells(base result, size int) []string {
	s := r.sum()
	cpu, sender, written, syncs, events := unknown, unknown, unknown, unknown, unknown
	if s.known {
		cpu = micros(s.use.CPU, s.answers)
		written = decimal(float64(s.use.Written)/float64(s.answers*size), 2)
		if r.pid != selfPID {
			sender = micros(s.sender, s.answers)
		}
	}
	if r.syncs != nil {
		syncs = count(float64(s.syncs) / s.elapsed.Seconds())
		events = decimal(float64(s.answers)/float64(s.syncs), 1)
	}
	return []string{r.name, count(r.rate()), decimal(median(ratios(r.rates(), base.rates())), 2),
		millis(r.p50()),
		millis(r.typical(func(p phase) time.Duration { return p.p90 })),
		millis(r.typical(func(p phase) time.Duration { return p.p99 })),
		millis(s.max), cpu, sender, syncs, events, written}
}
