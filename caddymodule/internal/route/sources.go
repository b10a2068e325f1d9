package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// literalSource is a text that event.source is compared with.
type literalSource struct {
	text string
	at   hcl.Range
}

// UnknownSources warns of texts that event.source is compared with and that no receiver has as its source. It is no
// error: events of an earlier receiver may still be stored. Of a nil Expr, or where no receiver is known, there are
// none. It warns also of a source of passing, which is one of smartcar_verify alone.
func (e *Expr) UnknownSources(known, passing []string) hcl.Diagnostics {
	if e == nil {
		return nil
	}
	var diags hcl.Diagnostics
	for _, s := range e.sources {
		if slices.Contains(known, s.text) {
			continue
		}
		at := s.at
		d := &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: "Unknown source", Subject: &at}
		switch {
		case slices.Contains(passing, s.text):
			d.Summary = "Source without stored events"
			d.Detail = fmt.Sprintf("The source %q is that of a smartcar_verify, which passes events on and stores none,"+
				" so no handler gets them. Have a smartcar_webhook take them, if handlers should.", s.text)
		case len(known) > 0:
			d.Detail = fmt.Sprintf("No receiver has the source %q; those that there are have %s.%s",
				s.text, quoted(known), didYouMean(s.text, known))
		default:
			continue
		}
		diags = append(diags, d)
	}
	return diags
}

// didYouMean also knows a shortened name, as prod is of production.
func didYouMean(given string, known []string) string {
	if hint := text.DidYouMean(given, known); hint != "" {
		return hint
	}
	for _, name := range known {
		if len(given) > 2 && strings.HasPrefix(name, given) {
			return fmt.Sprintf(" Did you mean %q?", name)
		}
	}
	return ""
}
