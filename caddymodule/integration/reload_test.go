package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// reloadTime is how long Caddy is reloaded: SMARTCAR_RELOAD_TIME, such as 30s, or 0 for no longer than it takes
// to have each kind of reload once.
func reloadTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SMARTCAR_RELOAD_TIME")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SMARTCAR_RELOAD_TIME: %v", err)
	}
	return d
}

// reloads makes configs of a site with two handlers: one stays as it is, the other
// is another one each time.
type reloads struct {
	s     *site
	load  func(ctx context.Context, caddyfile string) error
	copy  string // the second handler's file
	turns int
}

func newReloads(t *testing.T, s *site) *reloads {
	t.Helper()
	r := &reloads{s: s, load: s.adminLoad, copy: filepath.Join(s.dir, "copy.jsonl")}
	s.write(t, "handlers.hcl", r.handlers())
	return r
}

// handlers are those of the next right config.
func (r *reloads) handlers() string {
	r.turns++
	return jsonlHandler("archive", r.s.events, "") + r.copyHandler()
}

func (r *reloads) copyHandler() string {
	return jsonlHandler("copy", r.copy, fmt.Sprintf("env = { TURN = \"%d\" }", r.turns))
}

// right is a config that must be accepted. Every other one leaves the handlers as they are.
func (r *reloads) right(t *testing.T) string {
	t.Helper()
	if r.turns%2 == 0 {
		r.s.write(t, "handlers.hcl", r.handlers())
	} else {
		r.turns++
	}
	return r.s.caddyfile([]string{"7d", "8d"}[r.turns%2])
}

// wrongReloads are configs that must be refused, with a part of the error.
var wrongReloads = []struct {
	name, want string
	handlers   func(r *reloads) string
	// change edits the Caddyfile; nil: only the handlers are wrong.
	change func(s *site, caddyfile string) string
}{
	{"a file that is not HCL", "wrong.hcl", func(r *reloads) string { return r.handlers() + "}\n" }, nil},
	{"an attribute that there is not", "colour", func(r *reloads) string {
		return strings.Replace(r.handlers(), "config {", "colour = \"blue\"\n  config {", 1)
	}, nil},
	{"a plugin that there is not", "jsnol", func(r *reloads) string { return strings.Replace(r.handlers(), `"jsonl"`, `"jsnol"`, 1) }, nil},
	{"a plugin that refuses its config", "missing", func(r *reloads) string {
		return jsonlHandler("archive", filepath.Join(r.s.dir, "missing", "events.jsonl"), "") + r.copyHandler()
	}, nil},
	{"a program that is no plugin", "no_plugin", func(r *reloads) string {
		return r.handlers() + "handler \"no_plugin\" {\n  plugin = \"/bin/false\"\n}\n"
	}, nil},
	// The handlers are right, and different. When they are put to work first, they are taken back.
	{"a site that cannot listen", "missing", func(r *reloads) string {
		return r.handlers() + jsonlHandler("extra", filepath.Join(r.s.dir, "extra.jsonl"), "")
	}, func(s *site, caddyfile string) string {
		return caddyfile + fmt.Sprintf("http:// {\n\tbind unix/%s/missing/s\n}\n", s.dir)
	}},
	{"a directive that there is not", "colour", (*reloads).handlers, func(_ *site, caddyfile string) string {
		return caddyfile + "http://localhost:1 {\n\tcolour blue\n}\n"
	}},
	{"a token that is not set", "SMARTCAR_NOT_SET", (*reloads).handlers, func(_ *site, caddyfile string) string {
		return strings.Replace(caddyfile, "SMARTCAR_TOKEN", "SMARTCAR_NOT_SET", 1)
	}},
}

// tryWrong has Caddy refuse one of wrongReloads.
func (r *reloads) tryWrong(t *testing.T, i int) {
	t.Helper()
	wrong := wrongReloads[i%len(wrongReloads)]
	r.s.write(t, "wrong.hcl", wrong.handlers(r))
	caddyfile := strings.Replace(r.s.caddyfile("9d"), "handlers.hcl", "wrong.hcl", 1)
	if wrong.change != nil {
		caddyfile = wrong.change(r.s, caddyfile)
	}
	err := r.load(t.Context(), caddyfile)
	if err == nil || !strings.Contains(err.Error(), wrong.want) {
		t.Fatalf("%s: got %v, want an error with %q", wrong.name, err, wrong.want)
	}
}

func (r *reloads) doRight(t *testing.T) {
	t.Helper()
	if err := r.load(t.Context(), r.right(t)); err != nil {
		t.Fatalf("a right config: %v\n%s", err, r.s.log())
	}
}

// Reloads under load, every other one with a wrong config: no answer other than 200, no
// event lost, repeated or out of order, an unchanged handler keeps its process, and
// nothing is left behind.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := newReloads(t, s)
	p, f := s.start(t), newFleet(s, 8)
	handlersRun := func() bool { return len(p.children(t)) == 2 }
	waitFor(t, "the handlers' processes run", 30*time.Second, handlersRun)
	// What comes with the first reload of each kind, such as pools, is no leak.
	r.doRight(t)
	for i := range wrongReloads {
		r.tryWrong(t, i)
	}
	archive := s.keeper(t, p)
	before := s.restsAt(t, p)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		f.run(ctx)
		close(sent)
	}()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	accepted, refused := 0, 0
	for begun := time.Now(); refused < len(wrongReloads) || time.Since(begun) < reloadTime(t); <-ticker.C {
		if accepted == refused {
			r.doRight(t)
			accepted++
		} else {
			r.tryWrong(t, refused)
			refused++
		}
	}
	goal := f.total() + 100
	waitFor(t, "events after the last reload", 30*time.Second, func() bool { return f.total() >= goal })
	cancel()
	<-sent

	t.Logf("%d reloads, %d more refused", accepted, refused)
	r.check(t, f)
	if !slices.Contains(p.children(t), archive) {
		t.Errorf("the unchanged handler has another process: %d before, %v now", archive, p.children(t))
	}
	s.atRest(t, p, before)
}

// check holds what the handlers received against what was acknowledged.
func (r *reloads) check(t *testing.T, f *fleet) {
	t.Helper()
	for _, path := range []string{r.s.events, r.copy} {
		v := f.awaitAllIn(t, path)
		t.Logf("%s: %v", filepath.Base(path), v)
		if v.lost > 0 || v.repeated > 0 || v.disordered > 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(path), v, r.s.log())
		}
	}
	if len(f.refused) > 0 {
		t.Errorf("answers other than 200: %v\n%s", f.refused, r.s.log())
	}
	// Caddy breaks some connections while it replaces its listeners, whatever the handler:
	// `respond 200` has as many. The sender tries again, as Smartcar does.
	t.Logf("%d requests had no answer", len(f.broken))
}

// keeper is the process of the handler that no reload changes: it has the file open.
func (s *site) keeper(t *testing.T, p *process) int {
	t.Helper()
	for _, pid := range p.children(t) {
		if slices.Contains(openFiles(t, pid), s.events) {
			return pid
		}
	}
	t.Fatal("no handler has " + s.events)
	return 0
}
