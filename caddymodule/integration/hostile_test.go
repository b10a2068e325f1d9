package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// hostileConnections is how many connections a hostile sender opens at once:
// SMARTCAR_HOSTILE_CONNECTIONS, such as 10000, or few enough for some seconds.
func hostileConnections(t *testing.T) (n int, full bool) {
	t.Helper()
	text := os.Getenv("SMARTCAR_HOSTILE_CONNECTIONS")
	if text == "" {
		return 100, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SMARTCAR_HOSTILE_CONNECTIONS: %q is no number above 0", text)
	}
	return n, true
}

// hostile is a Caddy that is attacked, and an honest sender beside.
type hostile struct {
	s      *site
	p      *process
	honest *honest
	n      int // connections of an attack
	// How long a request's header and its body may take.
	header, body time.Duration
	// unopened counts the connections of an attack that were never open, as their handshake took longer
	// than Caddy waits.
	unopened atomic.Int64
	// What the worst attack gave.
	peak    int64
	slowest time.Duration
}

// attack is what a hostile sender does.
type attack struct {
	name string
	// run returns when everything that was sent has been answered or closed.
	run func(t *testing.T, h *hostile) *tally
	// refused are the least that the receiver must have counted, by the code of its answer.
	refused map[string]int
	// silent and stray are the least connections that must have been counted as ended
	// without a request, and without one for a receiver.
	silent, stray int
	// perConnection says that these are for each connection of the attack.
	perConnection bool
	// silentQuarters and strayQuarters are the same in quarters of the attack's connections.
	silentQuarters, strayQuarters int
	// waits says that the attack is over when Caddy's patience is, whatever the machine does meanwhile.
	waits bool
	// halfSent says that the attack is one of half-sent bodies, all of which share one bound.
	halfSent bool
	// connections is how many it opens, where these are more than the usual ones.
	connections int
}

// expectation is what an attack must be counted as, at least.
type expectation struct {
	refused       map[string]int
	silent, stray int
}

func (a attack) expected(connections int) expectation {
	each := 1
	if a.perConnection {
		each = connections
	}
	e := expectation{
		refused: map[string]int{},
		silent:  each*a.silent + a.silentQuarters*connections/4,
		stray:   each*a.stray + a.strayQuarters*connections/4,
	}
	for code, n := range a.refused {
		e.refused[code] = each * n
	}
	return e
}

// sideBySide makes one attack of all of a sort.
func sideBySide(all []attack, connections int, sort func(attack) bool) []attack {
	both := attack{refused: map[string]int{}}
	var waiting, others []attack
	var names []string
	for _, a := range all {
		if !sort(a) {
			others = append(others, a)
			continue
		}
		waiting, names = append(waiting, a), append(names, a.name)
		e := a.expected(connections)
		both.silent, both.stray = both.silent+e.silent, both.stray+e.stray
		both.connections += a.connections
		for code, n := range e.refused {
			both.refused[code] += n
		}
	}
	both.name = strings.Join(names, "; ")
	both.run = func(t *testing.T, h *hostile) *tally {
		answers := newTally()
		var wg sync.WaitGroup
		for _, a := range waiting {
			wg.Go(func() {
				for answer, n := range a.run(t, h).counts {
					answers.addTimes(answer, n)
				}
			})
		}
		wg.Wait()
		return answers
	}
	return append([]attack{both}, others...)
}

// hostileMemory is what an attack may add to the memory, and memoryConnection what each of
// its connections may besides.
const (
	hostileMemory    = 128 << 20
	memoryConnection = 96 << 10
	// hostileLines are a burst of each kind of line; after it comes one a second.
	hostileLines = 100
)

// Whatever a hostile sender does, Caddy's memory stays bounded, an honest sender is
// served, and the receiver counts it and logs little.
func TestHostileSenders(t *testing.T) {
	n, full := hostileConnections(t)
	h := &hostile{s: newSite(t), n: n, header: timeFactor * 4 * time.Second, body: timeFactor * 3 * time.Second}
	h.s.stages = "signature.failed" // so that only lines about refusals are counted
	if full {
		h.header, h.body = 10*time.Second, 8*time.Second
	}
	h.s.write(t, "Caddyfile", h.caddyfile())
	h.s.url += "webhooks/smartcar"
	h.p = h.s.startAdmin(t)
	needFiles(t, h.p, 5*n) // slow attacks run side by side if they are short
	h.honest = newHonest(h.s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		h.honest.fleet.run(ctx)
	}()

	r := report.New("hostile-senders", "SMARTCAR_HOSTILE_CONNECTIONS=10000 go test ./caddymodule/integration -run TestHostile -count=1 -v -timeout 30m")
	var rows [][]string
	attacks := hostileAttacks()
	if !full {
		attacks = sideBySide(attacks, n, func(a attack) bool { return a.halfSent })
		attacks = sideBySide(attacks, n, func(a attack) bool { return a.waits })
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { rows = append(rows, h.suffer(t, a)) })
	}
	cancel()
	<-sent
	v := h.honest.fleet.awaitAll(t, h.s)
	t.Log(v)
	if v.lost > 0 || v.repeated > 0 || v.disordered > 0 || v.acked == 0 {
		t.Errorf("the honest sender: %v", v)
	}
	h.honest.check(t)
	r.Figure("connections of an attack", n, "")
	r.Figure("events of the honest sender", v.acked, "")
	r.Figure("not answered with 200", h.honest.failures(), "")
	r.Figure("lost", v.lost, "")
	r.Figure("delivered twice", v.repeated, "")
	r.Figure("worst answer to the honest sender", h.slowest, "")
	r.Figure("most memory at any time", mib(h.peak), "")
	r.Figure("most memory that an attack may add", fmt.Sprintf("%d MiB and %d KiB a connection", hostileMemory>>20, memoryConnection>>10), "")
	r.Table([]string{"attack", "answers", "connections at once", "memory before", "most during", "honest sender's worst answer", "counted as"}, rows)
	if err := r.Write(); err != nil {
		t.Fatal(err)
	}
}

// caddyfile is the recommended one as far as it touches senders, with shorter times
// unless the attacks are many.
func (h *hostile) caddyfile() string {
	text := h.s.caddyfile("7d")
	text = strings.Replace(text, "\tsmartcar {\n", fmt.Sprintf("\tservers {\n\t\tprotocols h1 h2 h3\n\t\ttimeouts {\n\t\t\tread_header %s\n\t\t\tidle 2m\n\t\t}\n\t}\n\tsmartcar {\n", h.header), 1)
	return strings.Replace(text, "smartcar_webhook {", fmt.Sprintf("respond 404\n\tsmartcar_webhook /webhooks/smartcar {\n\t\tread_timeout %s", h.body), 1)
}

// suffer has Caddy attacked once and returns the report's row.
func (h *hostile) suffer(t *testing.T, a attack) []string {
	t.Helper()
	before, lines := h.s.counted(t), h.s.receiverLines(t)
	h.honest.worst.Store(0)
	h.unopened.Store(0)
	h.p.forgetPeak()
	rss, begun, acked := h.p.memory().now, time.Now(), h.honest.fleet.total()
	most := h.mostFiles()
	answers := a.run(t, h)
	atOnce := most()
	// The honest sender has its turn after the attack too, for what it left behind.
	target := h.honest.fleet.total() + 4
	waitFor(t, "the honest sender is served", 30*time.Second, func() bool { return h.honest.fleet.total() >= target })
	took := time.Since(begun)

	want := a.expected(h.n)
	var after counted
	missing := ""
	for deadline := time.Now().Add(30 * time.Second); ; {
		after = h.s.counted(t).minus(before)
		if missing = after.lacks(want, int(h.unopened.Load())); missing == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("not counted: %s", missing)
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	peak := h.p.memory().peak
	if allowed := memoryFactor * int64(hostileMemory+max(h.n, a.connections)*memoryConnection); peak > 0 && peak-rss > allowed {
		t.Errorf("memory went from %s to %s, more than %s above", mib(rss), mib(peak), mib(allowed))
	}
	if more := h.s.receiverLines(t) - lines; more > hostileLines+3*int(took.Seconds()+1) {
		t.Errorf("%d lines were logged in %v", more, took)
	}
	h.peak, h.slowest = max(h.peak, peak), max(h.slowest, h.honest.worst.Load())
	row := []string{a.name, answers.String(), fmt.Sprint(atOnce), mib(rss), mib(peak), h.honest.worst.Load().String(), after.String()}
	t.Logf("%s; %d honest events in %v", strings.Join(row[1:], "; "), h.honest.fleet.total()-acked, took.Round(time.Millisecond))
	return row
}

// mostFiles samples how many more descriptors Caddy has than now, until the function it returns
// is called, which says the most.
func (h *hostile) mostFiles() func() int {
	before, most := h.p.files(), 0
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, h.p.files()-before)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() int {
		close(stop)
		<-stopped
		return most
	}
}

// receiverLines counts what the receiver has logged.
func (s *site) receiverLines(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), `"http.handlers.smartcar_webhook"`)
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
