package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// killLife is the environment variable that tells the plugin which Caddy has started it.
const killLife = "SMARTCAR_KILL_LIFE"

// killer runs rounds on a site and keeps the books of them.
type killer struct {
	s *site
	l *ledger
	p *process // nil while there is no Caddy

	lives  []*life
	runs   map[string]bool // the plugin's processes that were killed, by runName
	kinds  map[victim]int
	early  int             // kills of a Caddy before its first 200
	firsts []time.Duration // from start to first 200
	stops  []time.Duration // from SIGTERM to the end
}

func newKiller(s *site, l *ledger) *killer {
	return &killer{s: s, l: l, runs: map[string]bool{}, kinds: map[victim]int{}}
}

// spawn starts the next Caddy.
func (k *killer) spawn(t *testing.T) {
	t.Helper()
	// Half of an outage may be the stop before.
	life := k.l.begin(k.outage() / 2)
	k.lives = append(k.lives, life)
	k.p = k.s.spawn(t, killLife+"="+strconv.Itoa(life.number))
}

// round starts Caddy if need be, waits for the moment, and kills.
func (k *killer) round(t *testing.T, r killRound) {
	t.Helper()
	if k.p == nil {
		k.spawn(t)
	}
	switch {
	case !r.early:
		k.awaitUp(t)
		k.pause(t, r.part(500*time.Millisecond))
		if r.victim == victimPlugin || r.victim == victimBoth {
			k.awaitPlugin(t)
		}
	case r.victim == victimPlugin:
		k.awaitPlugin(t)
		k.pause(t, r.part(50*time.Millisecond))
	default:
		k.awaitUp(t)
		// What has failed before would not stand two kills.
		k.await(t, "every event is acknowledged", k.calm)
		k.strike(t, killRound{victim: victimCaddy})
		k.spawn(t)
		k.pause(t, r.part(k.usualStart()))
	}
	k.await(t, "no event is near its last attempt", func() bool {
		last, some := k.l.lastAttempt()
		return !some || time.Until(last) > k.outage()
	})
	if r.victim != victimPlugin && k.l.upSince().IsZero() {
		k.early++
	}
	k.strike(t, r)
}

// calm says that no event waits to be sent again.
func (k *killer) calm() bool {
	_, some := k.l.lastAttempt()
	return !some
}

// outage is how long an event must be able to wait that a kill finds waiting: what Smartcar
// gives up on itself, after four attempts, would prove nothing. It is as long as the wait
// before the last attempt.
func (k *killer) outage() time.Duration {
	return time.Duration(float64(100*time.Second) / k.l.factor)
}

// usualStart is the median time from a start to the first 200.
func (k *killer) usualStart() time.Duration {
	if len(k.firsts) == 0 {
		return 300 * time.Millisecond
	}
	return median(k.firsts)
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func longest(all []time.Duration) time.Duration { return slices.Max(append(slices.Clone(all), 0)) }

// pause waits for a random moment.
func (k *killer) pause(t *testing.T, d time.Duration) {
	t.Helper()
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-k.p.exited:
		k.fatalEnd(t)
	}
}

// await waits for a condition while Caddy runs. It has long, for a machine with other work.
func (k *killer) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	waitFor(t, what, time.Minute, func() bool {
		select {
		case <-k.p.exited:
			k.fatalEnd(t)
		default:
		}
		return condition()
	})
}

func (k *killer) fatalEnd(t *testing.T) {
	t.Helper()
	t.Fatalf("Caddy number %d ended by itself: %v\n%s", len(k.lives), k.p.err, k.s.log())
}

// awaitUp waits for the first 200 of the Caddy that runs.
func (k *killer) awaitUp(t *testing.T) {
	t.Helper()
	k.await(t, "the first 200", func() bool { return !k.l.upSince().IsZero() })
}

func (k *killer) awaitPlugin(t *testing.T) {
	t.Helper()
	k.await(t, "the plugin's process is there", func() bool { return len(k.p.children(t)) > 0 })
}

// awaitSettled waits until the handler has settled all that is stored.
func (k *killer) awaitSettled(t *testing.T) {
	t.Helper()
	k.await(t, "all events are settled", func() bool {
		// The receiver may answer 200 before Caddy has loaded its config, and the admin API 503.
		if k.s.askAdmin(t, http.MethodGet, "/smartcar/status", "").status != http.StatusOK {
			return false
		}
		v := k.s.status(t)
		return len(v.Handlers) == 1 && v.Handlers[0].Behind.Events == 0
	})
}

// strike does what the round is about.
func (k *killer) strike(t *testing.T, r killRound) {
	t.Helper()
	if r.victim == victimStop {
		k.stop(t)
		return
	}
	var plugins []int
	if r.victim != victimCaddy {
		plugins = k.p.children(t)
	}
	switch {
	case r.victim == victimPlugin && len(plugins) == 0:
		t.Fatalf("the plugin's process is gone\n%s", k.s.log())
	case len(plugins) == 0:
		r.victim = victimCaddy // early: there is no plugin yet
	}
	k.kinds[r.victim]++
	for _, pid := range plugins {
		k.runs[runName(strconv.Itoa(len(k.lives)), pid)] = true
	}
	if r.victim == victimPlugin {
		killAll(t, plugins)
		// Receiving goes on meanwhile, which the ledger checks.
		waitFor(t, "the plugin is gone", 10*time.Second, func() bool { return !slices.ContainsFunc(plugins, alive) })
		return
	}
	k.l.end(r.victim)
	all := append(slices.Clone(plugins), k.p.cmd.Process.Pid)
	if !r.pluginFirst {
		slices.Reverse(all)
	}
	killAll(t, all)
	<-k.p.exited
	// The next Caddy does not wait for what is left of this one's plugin.
	k.ended()
}

func killAll(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if err := signalTo(pid, syscall.SIGKILL); err != nil && alive(pid) {
			t.Fatal(err)
		}
	}
}

// stop asks Caddy to end.
func (k *killer) stop(t *testing.T) {
	t.Helper()
	k.kinds[victimStop]++
	children, begun := k.p.children(t), time.Now()
	k.l.end(victimStop)
	k.p.terminate(t)
	k.stops = append(k.stops, time.Since(begun))
	if !k.l.upSince().IsZero() && k.p.err != nil {
		t.Errorf("Caddy number %d was asked to end, and did so with %v\n%s", len(k.lives), k.p.err, k.s.log())
	}
	waitFor(t, "the plugin is gone", 10*time.Second, func() bool { return !slices.ContainsFunc(children, alive) })
	k.ended()
}

// ended closes the books of the Caddy that is over.
func (k *killer) ended() {
	k.p = nil
	k.l.over()
	if up := k.l.upSince(); !up.IsZero() {
		k.firsts = append(k.firsts, up.Sub(k.lives[len(k.lives)-1].started))
	}
}

// inFlight says what a process of the plugin may have handled that is handled again later:
// how many events, and since when any number of them.
//
// When a handler's process is killed, as many were with it as there are calls and events in
// each. When Caddy is killed, there are also those of which it could not store any more that they
// were handled. When neither was killed, there are none.
func (k *killer) inFlight(run string) (most int, since time.Time) {
	var number, pid int
	if _, err := fmt.Sscanf(run, "%d-%d", &number, &pid); err != nil || number < 1 || number > len(k.lives) {
		return 0, time.Now()
	}
	l := k.lives[number-1]
	switch {
	case l.ending == victimCaddy, l.ending == victimBoth:
		return killConcurrency * killBatch, l.durableBefore()
	case k.runs[run]:
		return killConcurrency * killBatch, l.ended
	}
	return 0, l.ended
}
