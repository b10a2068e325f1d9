package integration

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// upgradeVerdict is what a run of TestUpgrade gave.
type upgradeVerdict struct {
	restarts, reloads   int
	away                time.Duration // from the end of a process to the next one's first TLS handshake, the longest
	restarted, reloaded map[string]*attempts
	delivered           verdict
}

// check fails the test for what must not be. Connections that a reload breaks are Caddy's own affair: see
// TestReloadUnderLoad.
func (v upgradeVerdict) check(t *testing.T, s *site) {
	t.Helper()
	for _, k := range sendingKinds {
		t.Logf("restarts, %s: %v", k.name, v.restarted[k.name])
		t.Logf("reloads, %s: %v", k.name, v.reloaded[k.name])
		if a := v.restarted[k.name]; a.failed() > 0 {
			t.Errorf("restarts, %s: %d attempts failed", k.name, a.failed())
		}
		if a := v.reloaded[k.name]; a.failed() > len(a.broken) {
			t.Errorf("reloads, %s: refused or not 200", k.name)
		}
	}
	t.Log(v.delivered)
	if v.delivered.lost > 0 || v.delivered.repeated > 0 || v.delivered.disordered > 0 {
		t.Errorf("%v\n%s", v.delivered, s.log())
	}
}

// tell writes the report.
func (v upgradeVerdict) tell(t *testing.T, r *report.Report) {
	t.Helper()
	refused, others := 0, 0
	for _, k := range sendingKinds {
		for _, a := range []*attempts{v.restarted[k.name], v.reloaded[k.name]} {
			refused += a.refused
			others += a.failed() - a.refused - len(a.broken)
		}
	}
	failed := 0
	var longest time.Duration
	for _, a := range v.restarted {
		failed += a.failed()
		longest = max(longest, a.longest)
	}
	r.Figure("restarts", v.restarts, "")
	r.Figure("forced reloads", v.reloads, "")
	r.Figure("attempts that a restart made fail (bar: 0)", failed, "")
	r.Figure("refused connections (bar: 0)", refused, "")
	r.Figure("answers other than 200 (bar: 0)", others, "")
	r.Figure("longest that a sender waited for its answer", longest.Round(time.Millisecond), "")
	r.Figure("from the end of a process to the first handshake of the next, the longest", v.away.Round(time.Millisecond), "")
	r.Figure("events acknowledged", v.delivered.acked, "")
	r.Figure("lost", v.delivered.lost, "")
	r.Figure("delivered again", v.delivered.repeated, "")
	r.Figure("out of order", v.delivered.disordered, "")
	var rows [][]string
	for _, k := range sendingKinds {
		of, re := v.restarted[k.name], v.reloaded[k.name]
		rows = append(rows, []string{
			k.name, strconv.Itoa(of.acked), strconv.Itoa(of.failed()), of.longest.Round(time.Millisecond).String(),
			strconv.Itoa(re.acked), strconv.Itoa(re.failed()),
		})
	}
	r.Table([]string{"senders", "200 over restarts", "failed", "longest", "200 over reloads", "failed"}, rows)
	with := "Every start was of the same program."
	if os.Getenv(upgradeFrom) != "" {
		with = "Every other start was of another program, which `FROM` names."
	}
	r.Note(fmt.Sprintf("Three senders of each kind, each sending one event after another without a pause and none twice, "+
		"to the Caddyfile of examples/systemd with the socket held open as systemd holds it. %s "+
		"Failed over a reload: connections that Caddy closed without an answer while it replaced its servers. "+
		"Over HTTP/2 a client sends again at once what the server says it has not taken.", with))
	if err := r.Write(); err != nil {
		t.Error(err)
	}
}

// upgradeCommand is what repeats a run.
func upgradeCommand() string {
	if os.Getenv(upgradeFrom) != "" {
		return "make upgrade FROM=BINARY"
	}
	return "make upgrade"
}
