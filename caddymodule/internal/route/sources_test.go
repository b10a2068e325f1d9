package route

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func compiled(t *testing.T, source string) (*Expr, hcl.Diagnostics) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(source), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	e, diags := Compile(expr)
	if e == nil {
		t.Fatal(diags)
	}
	return e, diags
}

// A source that no receiver has is said, with its place and what was probably meant.
func TestUnknownSources(t *testing.T) {
	known := []string{"production", "staging"}
	for source, want := range map[string]string{
		`event.source == "production"`:                              "",
		`event.source == "prod"`:                                    `No receiver has the source "prod"; those that there are have "production", "staging". Did you mean "production"?`,
		`"stagign" != event.source`:                                 `Did you mean "staging"?`,
		`event.type == "VEHICLE_STATE" && (event.source == "else")`: `"staging".`,
		`contains(["production", "default"], event.source)`:         `source "default"`,
		`event.source == "passing"`:                                 `"passing" is that of a smartcar_verify`,
		`event.source == event.mode`:                                "",
		`startswith(event.source, "x")`:                             "",
		`event.vehicle == "prod"`:                                   "",
	} {
		e, _ := compiled(t, source)
		diags := e.UnknownSources(known, []string{"passing"})
		if want == "" {
			if len(diags) > 0 {
				t.Errorf("%s: %v", source, diags)
			}
			continue
		}
		if len(diags) != 1 || diags[0].Severity != hcl.DiagWarning || !strings.Contains(diags[0].Detail, want) || diags[0].Subject.Filename != "x.hcl" {
			t.Errorf("%s: %v, want %s", source, diags, want)
		}
		if len(e.UnknownSources(nil, nil)) > 0 {
			t.Errorf("%s: warned although no receiver is known", source)
		}
	}
	var all *Expr
	if all.UnknownSources(known, []string{"passing"}) != nil {
		t.Error("warned of no when")
	}
}

// A type that Smartcar has never sent is said.
func TestUnknownTypes(t *testing.T) {
	for source, want := range map[string]string{
		`event.type == "VEHICLE_STATE"`:                        "",
		`event.type == "eventBased"`:                           "",
		`event.type == "vehicle_error"`:                        "Unusual event type",
		`event.type == "SIGNAL_UPDATED"`:                       "Unknown event type",
		`contains(["VEHICLE_STATE", "CHARGE"], event.type)`:    "Unknown event type",
		`event.type == "VERIFY"`:                               "Event type that no handler sees",
		`event.source == "SIGNAL_UPDATED" || event.type == ""`: "",
	} {
		_, diags := compiled(t, source)
		if want == "" && len(diags) > 0 || want != "" && (len(diags) != 1 || diags[0].Summary != want || diags[0].Severity != hcl.DiagWarning) {
			t.Errorf("%s: %v, want %q", source, diags, want)
		}
	}
}
