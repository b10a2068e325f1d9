package admin

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/support/diagnosis"
)

// Without an app there is what the process knows, and why there is no more.
func TestDiagnoseWithoutAnApp(t *testing.T) {
	d := diagnose(t.Context(), func() (app.Running, error) { return app.Running{}, app.ErrNotConfigured })
	var names []string
	for _, f := range d.Files {
		names = append(names, f.Name)
	}
	if want := []string{diagnosis.BuildFile, diagnosis.MachineFile, diagnosis.HealthFile}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if !slices.ContainsFunc(d.Missing, func(g api.DiagnosisGap) bool { return strings.Contains(g.Why, "no Smartcar app") }) {
		t.Errorf("missing: %v", d.Missing)
	}
}
