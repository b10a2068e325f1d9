package integration

import (
	"context"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"go.uber.org/goleak"
)

// The same inside this process, which can say of every goroutine that it has ended:
// those of handlers that changed, were refused, were taken back, and went.
func TestReloadLeavesNoGoroutine(t *testing.T) {
	leaks := append([]goleak.Option{goleak.IgnoreCurrent()}, caddyKeeps...)
	s := newSite(t)
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, s.dir)
	}
	t.Setenv("SMARTCAR_TOKEN", testToken)
	r := newReloads(t, s)
	r.load = loadInside
	r.doRight(t)

	f := newFleet(s, 4)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		f.run(ctx)
		close(sent)
	}()
	for i := range len(wrongReloads) {
		r.tryWrong(t, i)
		r.doRight(t)
	}
	cancel()
	<-sent
	r.check(t, f)

	s.client.CloseIdleConnections()
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
	s.stoppedWell(t)
	goleak.VerifyNone(t, leaks...)
}

// loadInside loads a Caddyfile into this process, but for the admin API, which would
// stay when Caddy stops.
func loadInside(_ context.Context, caddyfile string) error {
	before, after, _ := strings.Cut(caddyfile, "admin ")
	_, after, _ = strings.Cut(after, "\n")
	caddyfile = before + "admin off\n" + after
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}
