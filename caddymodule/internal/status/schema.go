package status

import (
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/schema"
)

// namedDrift is how many names a notice has.
const namedDrift = 5

// AddSchemaDrift adds to a status what this version does not know of events.
func AddSchemaDrift(v *api.Status, r schema.Report) {
	if len(r.Names) == 0 {
		return
	}
	d := &api.SchemaDrift{Left: r.Left}
	var words []string
	for _, n := range r.Names {
		d.Names = append(d.Names, api.UnknownName{
			Kind: string(n.Kind), Name: n.Name, Events: n.Events, FirstAt: api.UTC(n.First), LastAt: api.UTC(n.Last),
		})
		if len(words) < namedDrift {
			words = append(words, kindWords[n.Kind]+" "+n.Name)
		}
	}
	for _, c := range r.Counts {
		d.Events = append(d.Events, api.DriftCount{Source: c.Source, Kind: string(c.Kind), Events: c.Events})
	}
	v.SchemaDrift = d
	what := "Smartcar sends what this version does not know: " + strings.Join(words, ", ")
	if more := len(r.Names) - len(words); more > 0 {
		what += fmt.Sprintf(" and %d more (--json)", more)
	}
	v.Notices = append(v.Notices, api.Notice{What: what,
		Do: "nothing is lost, and handlers get it; see whether a newer version of this module knows it"})
}

// kindWords name a kind in a sentence.
var kindWords = map[schema.Kind]string{
	schema.KindEventType: "event type", schema.KindSignalCode: "signal", schema.KindErrorCode: "error",
	schema.KindField: "field",
}
