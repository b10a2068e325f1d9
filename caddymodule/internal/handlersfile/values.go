package handlersfile

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// owner is the handler that has something for itself.
type owner struct{ handler, place string }

// values has a bundled plugin check the values of its config, which the schema cannot, and
// looks whether another handler has what this one needs for itself.
func (l *loader) values(d *Definition, schema sdk.Schema) {
	if l.opts.Check != nil {
		for _, remark := range l.opts.Check(d.Plugin, d.ConfigJSON) {
			remark.Detail = d.withoutEnvironment(remark.Detail)
			l.diags = append(l.diags, Locate(d.Config, schema, remark))
		}
	}
	if l.opts.Exclusive == nil {
		return
	}
	attribute, key, ok := l.opts.Exclusive(d.Plugin, d.ConfigJSON)
	if !ok {
		return
	}
	key = d.Plugin + "\x00" + key
	if first, ok := l.taken[key]; ok {
		l.diags = append(l.diags, Locate(d.Config, schema, sdk.Diagnostic{
			Summary: "Taken by another handler",
			Detail: "The handler " + strconv.Quote(first.handler) + ", at " + first.place + ", has the same " + attribute +
				". Two processes would spoil each other's work there: give each a " + attribute + " of its own.",
			Path: []string{attribute},
		}))
		return
	}
	l.taken[key] = owner{handler: d.Name, place: d.Range.String()}
}

// withoutEnvironment names the environment variables whose values a plugin's remark quotes:
// they may be secret where the schema does not say so.
func (d *Definition) withoutEnvironment(detail string) string {
	body, ok := d.Config.(*hclsyntax.Body)
	if !ok {
		return detail
	}
	for name, value := range resolve(references(body)).values {
		if !value.IsKnown() || value.AsString() == "" {
			continue
		}
		detail = strings.ReplaceAll(detail, strconv.Quote(value.AsString()), "env."+name)
		// A shorter one is a part of words by chance.
		if len(value.AsString()) >= 4 {
			detail = strings.ReplaceAll(detail, value.AsString(), "env."+name)
		}
	}
	return detail
}
