package app

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/module"
)

// refuser is an app that refuses a config once the app smartcar of it has started.
type refuser struct {
	Refuse bool `json:"refuse"`
	app    *App
}

func init() { caddy.RegisterModule(new(refuser)) }

func (*refuser) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "test_refuser", New: func() caddy.Module { return new(refuser) }}
}

func (f *refuser) Provision(ctx caddy.Context) error {
	mod, err := ctx.App(Name)
	f.app, _ = mod.(*App)
	return err
}

func (f *refuser) Start() error {
	if !f.Refuse {
		return nil
	}
	if err := f.app.Start(); err != nil { // whichever of the two Caddy starts first
		return err
	}
	return fmt.Errorf("refused by the test, may delete: %t, %t", f.app.ref.vehicles.MayDelete(), f.app.ref.quarantine.MayDelete())
}

func (*refuser) Stop() error { return nil }

// What a config deletes of vehicles and of the quarantine it deletes once it is in force, and not where another app refuses it after all.
func TestOnlyAConfigInForceDeletes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "buffer")
	load := func(forgetAfter string, refuse bool) error {
		return caddy.Load(fmt.Appendf(nil, `{"admin": {"disabled": true, "config": {"persist": false}}, "apps": {
			"smartcar": {"buffer": {"type": "disk", "path": %q}, "vehicles": {"forget_after": %q, "silent_after": "1h"}},
			"test_refuser": {"refuse": %v}}}`, dir, forgetAfter, refuse), true)
	}
	if err := load("90d", false); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	}()
	deletes := func() bool {
		app, err := activeApp()
		if err != nil {
			t.Fatal(err)
		}
		return app.ref.vehicles.MayDelete() && app.ref.quarantine.MayDelete()
	}
	if !deletes() {
		t.Error("a config that is in force deletes nothing")
	}
	if err := load("1h", true); err == nil || !strings.Contains(err.Error(), "may delete: false, false") {
		t.Errorf("while it was being loaded: %v", err)
	}
	if !deletes() {
		t.Error("after a refused one, the config in force deletes nothing")
	}
	if err := load("2h", false); err != nil || !deletes() {
		t.Errorf("%v, or the next config deletes nothing", err)
	}
}
