package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/directive/directivetest"
)

// token stands for what must never be shown in an error.
const token = "6f1a8c5e-0d2b-4b7e-9a3f-5c1d2e3f4a5b"

// FuzzCaddyfileApp: no text makes the grammar panic; an error names the line and nothing that
// may be a token; what is accepted survives JSON.
func FuzzCaddyfileApp(f *testing.F) {
	for _, seed := range []string{
		"",
		"buffer disk",
		"buffer disk {\npath /var/lib/smartcar\nretention 7d\nmax_size 10GiB\n}\nhandlers handlers.hcl\ndrain_timeout 4s",
		"handlers a.hcl b.hcl\nhandlers conf.d",
		"handlers",
		"handlers \"\"",
		"buffer",
		"buffer tape",
		"buffer disk\nbuffer disk",
		"drain_timeout 0s",
		"drain_timeout -1s",
		"drain_timeout 11m",
		"handlers x {\n}",
		"body_memory 32MiB",
		"body_memory 1",
		"body_memory 1MiB 2MiB",
		"require_buffer",
		"require_buffer yes",
		"tracing",
		"require_buffer {\nx\n}",
		"metrics off",
		"metrics on",
		"metrics maybe",
		"metrics off {\nx\n}",
		"attention",
		"attention {\nslack {env.X}\nwebhook https://a.example/x {\nheader a {env.Y}\n}\nevery 4h\nafter 1m\nlevel error\n}",
		"attention {\nsmtp smtps://a.example {\nusername a\npassword " + token + "\nfrom a@a.example\nto b@a.example c@a.example\n}\n}",
		"attention {\nslack http://a.example/" + token + "\n}",
		"attention {\n" + token + "\n}",
		"nonsense",
		token,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, block string) {
		var app App
		ok, err := directivetest.Parse(t, Name, block, &app)
		if !ok {
			return
		}
		if err != nil {
			directivetest.CheckError(t, err, token)
			return
		}
		var again App
		directivetest.RoundTrip(t, &app, &again)
		if diff := cmp.Diff(&app, &again, cmpopts.IgnoreUnexported(App{})); diff != "" {
			t.Fatal(diff)
		}
		if err := checkDrainTimeout(app.DrainTimeout); err != nil {
			t.Fatalf("accepted, but refused at load: %v", err)
		}
		if err := checkBodyMemory(app.BodyMemory); app.BodyMemory != 0 && err != nil {
			t.Fatalf("accepted, but refused at load: %v", err)
		}
	})
}
