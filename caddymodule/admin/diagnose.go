package admin

import (
	"context"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/bundle"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/diagnosis"
)

// diagnose answers with what this process gives to a support bundle, whatever does not work: a part that hangs is left
// out after bundle.PartTime, and without an app there are the parts that need none.
func diagnose(ctx context.Context, running func() (app.Running, error)) api.Diagnosis {
	from := diagnosis.Source{Modules: caddy.Modules(), Ready: app.NotReady, Live: app.NotLive}
	r, err := running()
	if err == nil {
		from.Status, from.Recent, from.Dir, from.HandlersFiles = r.Status, r.Recent, r.Dir, r.HandlersFiles
	}
	files, missing := bundle.Collect(ctx, bundle.PartTime, from.Parts())
	if err != nil {
		missing = append(missing, api.DiagnosisGap{Part: diagnosis.StatusFile, Why: err.Error()})
	}
	kept, cut := bundle.Fit(files)
	return api.Diagnosis{Files: kept, Missing: append(missing, cut...)}
}
