package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Reloads under load: no answer other than 200, no event twice because of it, and
// an unchanged plugin keeps its process.
func TestReloadUnderLoad(t *testing.T) {
	s := newSite(t)
	p := s.start(t)
	f := newFleet(s, 8)
	var before []int
	waitFor(t, "the handler's process runs", 15*time.Second, func() bool {
		before = p.children(t)
		return len(before) == 1
	})

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		f.run(ctx)
		close(sent)
	}()

	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for i := range 20 {
		<-ticker.C
		retention := []string{"7d", "8d"}[i%2]
		if i%4 == 3 {
			// A handlers file with a mistake is refused, and the running one stays.
			wrong := strings.Replace(s.caddyfile(retention), "handlers.hcl", "wrong.hcl", 1)
			s.write(t, "wrong.hcl", "handler \"archive\" {\n  plugin = \"jsonl\"\n  colour = \"blue\"\n}\n")
			err := s.adminLoad(t.Context(), wrong)
			if err == nil || !strings.Contains(err.Error(), "colour") {
				t.Fatalf("a wrong handlers file: got %v, want an error that names the attribute", err)
			}
			continue
		}
		if err := s.adminLoad(t.Context(), s.caddyfile(retention)); err != nil {
			t.Fatalf("reload %d: %v\n%s", i, err, s.log())
		}
	}
	goal := f.total() + 100
	waitFor(t, "events after the last reload", 15*time.Second, func() bool { return f.total() >= goal })
	cancel()
	<-sent

	v := f.awaitAll(t, s)
	t.Logf("20 reloads: %v", v)
	if v.lost > 0 || v.repeated > 0 || v.disordered > 0 || len(f.refused) > 0 {
		t.Errorf("%v; answers other than 200: %v\n%s", v, f.refused, s.log())
	}
	// Caddy breaks some connections while it replaces its listeners, whatever the handler:
	// `respond 200` has as many. The sender tries again, as Smartcar does.
	t.Logf("%d requests had no answer", len(f.broken))
	if diff := cmp.Diff(before, p.children(t)); diff != "" {
		t.Errorf("the handler's process changed (-before +after):\n%s", diff)
	}
}
