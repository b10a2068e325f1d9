package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
)

// stageLines are the stages of one event in the log, sorted: a handler may be faster than the answer.
func (e *edge) stageLines(t *testing.T, id string) (stages []string) {
	t.Helper()
	for line := range strings.Lines(e.log(t)) {
		if !strings.Contains(line, `"event_id":"`+id+`"`) {
			continue
		}
		_, rest, _ := strings.Cut(line, `"event":"`)
		stage, _, _ := strings.Cut(rest, `"`)
		stages = append(stages, stage)
	}
	slices.Sort(stages)
	return stages
}

// The log has the stages that the config in force says, from the next event on: a reload changes them without a restart
// of anything, and a config that is taken back changes nothing.
func TestStagesFollowAReload(t *testing.T) {
	dir := t.TempDir()
	handlers := filepath.Join(dir, "handlers.hcl")
	if err := os.WriteFile(handlers, []byte(ownHandler(t, "moody", "moody", "", nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(stages string) edgeConfig { return edgeConfig{App: "handlers " + handlers, Stages: stages} }
	e := startEdge(t, config("none"))
	process := pluginPID(t)
	all := []string{"processing.completed", "processing.started", "signature.verified", "webhook.received"}
	delivered := uint64(0)
	for _, tt := range []struct {
		id, stages string
		refused    bool
		want       []string
		// failed: a refused signature is written.
		failed bool
	}{
		{id: "e-1", stages: "none"},
		{id: "e-2", stages: "all", want: all, failed: true},
		{id: "e-3", stages: "processing.completed", want: []string{"processing.completed"}},
		{id: "e-4", stages: "none"},
		{id: "e-5", stages: "signature.failed webhook.received", want: []string{"webhook.received"}, failed: true},
		{id: "e-6", stages: "none", refused: true, want: []string{"webhook.received"}, failed: true},
	} {
		t.Run(tt.id, func(t *testing.T) {
			c := config(tt.stages)
			if tt.refused {
				c.Site = "}\nhttp://unresolvable.invalid:9 {\nbind unresolvable.invalid"
			}
			if err := e.load(t, c); (err != nil) != tt.refused {
				t.Fatal(err)
			}
			id := sendAfterReload(t, e, tt.id)
			refusals := func() int { return strings.Count(e.log(t), `"event":"signature.failed"`) }
			before := refusals()
			webhook{body: state(id, ""), token: otherToken, status: 401}.send(t, e)
			if failed := refusals() > before; failed != tt.failed {
				t.Errorf("log_stages %s: a line about the refused signature: %v", tt.stages, failed)
			}
			delivered++
			awaitDelivered(t, delivered)
			waitFor(t, "the lines are there", 30*time.Second, func() bool { return len(e.stageLines(t, id)) >= len(tt.want) })
			if got := e.stageLines(t, id); !slices.Equal(got, tt.want) {
				t.Errorf("log_stages %s: lines of %q, want %q", tt.stages, got, tt.want)
			}
		})
	}
	if now := pluginPID(t); now != process {
		t.Errorf("the handler's process was %d and is %d", process, now)
	}
}

// sendAfterReload sends events until one has an answer, and returns its id: while Caddy replaces its listeners it breaks
// some connections.
func sendAfterReload(t *testing.T, e *edge, id string) string {
	t.Helper()
	e.client.CloseIdleConnections()
	for try := range 100 {
		id := fmt.Sprintf("%s-%d", id, try)
		switch status, _, answer, err := good(state(id, "")).do(t.Context(), e); {
		case err != nil:
			continue
		case status != http.StatusOK:
			t.Fatalf("%d %s", status, answer)
		}
		return id
	}
	t.Fatal("no event had an answer")
	return ""
}

func pluginPID(t *testing.T) int {
	t.Helper()
	running, err := app.Active()
	if err != nil {
		t.Fatal(err)
	}
	return running.Status(t.Context()).Handlers[0].Plugin.PID
}

// awaitDelivered waits until the only handler has had so many events.
func awaitDelivered(t *testing.T, n uint64) {
	t.Helper()
	waitFor(t, "the handler has had the events", 30*time.Second, func() bool {
		running, err := app.Active()
		if err != nil {
			t.Fatal(err)
		}
		return running.Status(t.Context()).Handlers[0].Counts.Delivered >= n
	})
}
