package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// shortKillRounds is what is done without SMARTCAR_KILL_ROUNDS: every kind of kill once.
const shortKillRounds = 8

// killEnv is a number from the environment, or else what is meant without.
func killEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// clockFactor divides Smartcar's waits of 25, 50 and 100 s, and nothing else: with 50, a failed
// event is sent again after 0.5, 1.5 and 3.5 s in place of 25, 75 and 175. On a machine that
// takes longer than 0.4 s to start Caddy it is smaller, so that a start stays as short beside the waits.
func clockFactor(start time.Duration) float64 {
	return min(50, 20/start.Seconds())
}

// Every event that got a 200 reaches the handler's own record or the dead letters, with
// the bytes that were sent and in its vehicle's order, whatever is killed and when; what
// comes again was in flight at a kill, and a stop in good order repeats nothing.
//
// A kill takes what a process has in its memory: so a store that is told not to sync is
// noticed, for Pebble then keeps some of its log there. What was written stays, synced or not:
// a sync that does nothing is noticed only by the power cuts of caddymodule/buffer/disk.
func TestKillLosesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	rounds := int(killEnv(t, "SMARTCAR_KILL_ROUNDS", shortKillRounds))
	seed := killEnv(t, "SMARTCAR_KILL_SEED", rand.Uint64())
	t.Logf("SMARTCAR_KILL_ROUNDS=%d SMARTCAR_KILL_SEED=%d", rounds, seed)
	v := killVerdict{rounds: rounds, report: report.New("kill", fmt.Sprintf("make kill ROUNDS=%d", rounds))}

	s := newKillSite(t)
	v.ledger = newLedger(s)
	v.killer = newKiller(s, v.ledger)
	v.play(t, planKills(rounds, rand.New(rand.NewPCG(seed, 0))), seed)

	lines, torn := readRecord(t, s.events)
	letters, reasons := s.deadLetters(t)
	v.judgement, v.torn, v.reasons = judgeRecord(v.ledger.events, lines, letters, v.killer.inFlight), torn, reasons
	v.tell(t)
	if !v.ok() {
		t.Errorf("%v\n%s", v.judgement, s.log())
	}
}

// killVerdict is what a run gave.
type killVerdict struct {
	rounds  int
	took    time.Duration
	ledger  *ledger
	killer  *killer
	torn    int // lines of the record that a kill cut off
	reasons map[buffer.Reason]int
	*judgement
	report *report.Report
}

// play runs all rounds under load, and then waits until all is settled.
func (v *killVerdict) play(t *testing.T, plan []killRound, seed uint64) {
	t.Helper()
	k, begun := v.killer, time.Now()
	k.spawn(t)
	k.p.awaitTLS(t, k.s)
	k.l.factor = clockFactor(time.Since(begun))

	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		v.ledger.send(ctx, t, k.s.url, seed)
	}()
	sendNoMore := func() {
		cancel()
		<-sent
	}
	defer sendNoMore()
	for i, r := range plan {
		k.round(t, r)
		if t.Failed() {
			t.Fatalf("round %d: %+v", i+1, r)
		}
	}
	if k.p == nil {
		k.spawn(t)
	}
	k.awaitUp(t)
	k.await(t, "every event is acknowledged", k.calm)
	sendNoMore()
	k.awaitSettled(t)
	// Once more in good order: what a stop had left open would come again now.
	k.stop(t)
	k.spawn(t)
	k.p.awaitTLS(t, k.s)
	k.awaitSettled(t)
	k.stop(t)
	v.took = time.Since(begun)
}

func (v *killVerdict) ok() bool {
	return v.judgement.ok() && v.ledger.gaveUp == 0 && v.ledger.wrongCount == 0
}

// tell prints and reports the figures, and fails the test with what is wrong.
func (v *killVerdict) tell(t *testing.T) {
	t.Helper()
	k, l := v.killer, v.ledger
	t.Logf("%d rounds in %v, Smartcar's waits divided by %.3g", v.rounds, v.took.Round(time.Second), l.factor)
	t.Logf("kills: %v; %d of them before the first 200; they cut off %d requests and %d lines of the handler's record", k.kinds, k.early, l.cutOff, v.torn)
	t.Log(v.judgement)
	t.Logf("given up by the sender: %d; held back while Caddy was away for unusually long: %d; dead letters: %v; answers other than 200 by a Caddy that was asked to end: %v", l.gaveUp, l.held, v.reasons, l.refused)
	t.Logf("from start to first 200: median %v, max %v; longest stop %v",
		median(k.firsts).Round(time.Millisecond), longest(k.firsts).Round(time.Millisecond), longest(k.stops).Round(time.Millisecond))
	for _, text := range append(v.first, l.wrong...) {
		t.Error(text)
	}

	v.report.Figure("rounds", v.rounds, "")
	v.report.Figure("events acknowledged", v.acked, "")
	v.report.Figure("lost", v.lost, "")
	v.report.Figure("out of order", v.disordered, "")
	v.report.Figure("altered", v.altered, "")
	v.report.Figure("stored twice", v.twice, "")
	v.report.Figure("repeated", v.repeated, "")
	v.report.Figure("repeated at most by one kill", v.byOne, "")
	v.report.Figure("repeated though not in flight", v.causeless, "")
	v.report.Figure("given up by the sender", l.gaveUp, "")
	v.report.Figure("held back by the sender while Caddy was away for unusually long", l.held, "")
	v.report.Figure("other answers or none while Caddy was up", l.wrongCount, "")
	v.report.Figure("from start to first 200, median", median(k.firsts).Milliseconds(), "ms")
	v.report.Figure("from start to first 200, longest", longest(k.firsts).Milliseconds(), "ms")
	v.report.Figure("Smartcar's waits divided by", l.factor, "")
	var rows [][]string
	for _, kind := range victims {
		rows = append(rows, []string{string(kind.victim), strconv.Itoa(k.kinds[kind.victim])})
	}
	v.report.Table([]string{"killed", "times"}, rows)
	v.report.Note(fmt.Sprintf("%d of the kills came before the first 200 of a Caddy that was starting. "+
		"`SIGTERM` asks Caddy to end; all others are `kill -9`, of `both` at the same moment. "+
		"A kill takes what is in memory, not what is written and not synced: that is what the power cuts are for.", k.early))
	if err := v.report.Write(); err != nil {
		t.Error(err)
	}
}

// newKillSite is a site whose handler is the plugin "record".
func newKillSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.events = filepath.Join(s.dir, "record")
	// No time of a stop is spent on connections that a client has opened and not used.
	s.grace = "500ms"
	s.stages = "signature.failed" // a thousand rounds would fill the disk with lines
	policy := fmt.Sprintf(`concurrency = %d
  timeout     = "60s"

  batch {
    max_events = %d
  }
  retry {
    min_delay = "10ms"
    max_delay = "200ms"
  }
  breaker {
    failures = 1000
  }`, killConcurrency, killBatch)
	s.write(t, "handlers.hcl", ownHandler(t, "record", "record", policy, map[string]string{"path": s.events, "life": "${env." + killLife + "}"}))
	// A thousand rounds send some gigabytes.
	s.write(t, "Caddyfile", s.caddyfile("5m"))
	return s
}

// deadLetters reads the buffer of a site whose Caddy has ended: the sum of each dead
// letter's bytes by event, and how many there are by reason.
func (s *site) deadLetters(t *testing.T) (sums map[string]string, reasons map[buffer.Reason]int) {
	t.Helper()
	b, err := disk.Open(t.Context(), disk.Options{Path: s.buffer})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	sums, reasons = map[string]string{}, map[buffer.Reason]int{}
	for letter, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		sums[letter.Event.ID] = bodySum(letter.Event.Body, letter.Event.Signature)
		reasons[letter.Reason]++
	}
	return sums, reasons
}
