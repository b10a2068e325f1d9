package handlersfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/route"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

var (
	fileSchema = &hcl.BodySchema{
		Blocks: []hcl.BlockHeaderSchema{{Type: "handler", LabelNames: []string{"name"}}},
	}
	handlerSchema = &hcl.BodySchema{
		Attributes: attributes("plugin", "args", "sha256", "when", "order", "concurrency", "timeout", "park_after", "start", "env"),
		Blocks:     []hcl.BlockHeaderSchema{{Type: "retry"}, {Type: "breaker"}, {Type: "batch"}, {Type: "signals"}, {Type: "config"}},
	}
	retrySchema   = &hcl.BodySchema{Attributes: attributes("max_attempts", "min_delay", "max_delay")}
	breakerSchema = &hcl.BodySchema{Attributes: attributes("failures", "cooldown")}
	batchSchema   = &hcl.BodySchema{Attributes: attributes("max_events", "max_wait")}
	signalsSchema = &hcl.BodySchema{Attributes: attributes("stale")}
)

func attributes(names ...string) []hcl.AttributeSchema {
	schema := make([]hcl.AttributeSchema, len(names))
	for i, name := range names {
		schema[i].Name = name
	}
	return schema
}

// loader turns the blocks of one file after the other into definitions.
type loader struct {
	opts   Options
	source *source
	// seen are the handlers' names of all files so far.
	seen map[string]hcl.Range
	// taken are the handlers by what they have for themselves, of all files so far.
	taken map[string]owner
	diags hcl.Diagnostics
	// blocks and general are those of File, of all files so far.
	blocks  []Definition
	general hcl.Diagnostics
}

func (l *loader) errorf(at hcl.Range, summary, detail string, args ...any) {
	l.diags = append(l.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at,
	})
}

func (l *loader) warnf(at hcl.Range, summary, detail string, args ...any) {
	l.errorf(at, summary, detail, args...)
	l.diags[len(l.diags)-1].Severity = hcl.DiagWarning
}

// handlers returns the definitions of the file's blocks that have no mistake.
func (l *loader) handlers() []Definition {
	content, diags := l.source.body.Content(fileSchema)
	l.diags = append(l.diags, diags...)
	l.general = append(l.general, diags...)

	var definitions []Definition
	for _, block := range content.Blocks {
		before := len(l.diags)
		definition := l.handler(block)
		found := l.diags[before:]
		if !found.HasErrors() {
			definitions = append(definitions, definition)
		}
		l.keep(&definition, found)
	}
	return definitions
}

func (l *loader) handler(block *hcl.Block) Definition {
	d := Definition{
		Name:        block.Labels[0],
		Order:       DefaultOrder,
		Concurrency: DefaultConcurrency,
		Timeout:     DefaultTimeout,
		Retry:       Retry{MaxAttempts: DefaultMaxAttempts, MinDelay: DefaultMinDelay, MaxDelay: DefaultMaxDelay},
		Breaker:     Breaker{Failures: DefaultFailures, Cooldown: DefaultCooldown},
		Batch:       Batch{MaxEvents: DefaultMaxEvents, MaxWait: DefaultMaxWait},
		Stale:       DefaultStale,
		Range:       block.DefRange,
	}
	l.name(d.Name, block.LabelRanges[0])

	content, diags := block.Body.Content(handlerSchema)
	l.diags = append(l.diags, diags...)
	attrs := content.Attributes

	l.order(attrs["order"], &d.Order)
	l.number(attrs["concurrency"], concurrencyRange, &d.Concurrency)
	l.duration(attrs["timeout"], timeoutRange, &d.Timeout)
	if attr := attrs["when"]; attr != nil {
		d.When, diags = route.Compile(attr.Expr)
		l.diags = append(l.diags, diags...)
	}

	blocks := l.single(content.Blocks)
	l.retry(blocks["retry"], &d.Retry)
	l.breaker(blocks["breaker"], &d.Breaker)
	l.batch(blocks["batch"], &d.Batch)
	l.signals(blocks["signals"], &d.Stale)
	l.parkAfter(attrs["park_after"], &d)
	l.start(attrs["start"], &d.Start)

	executable := l.plugin(attrs, block, &d)
	d.Env = l.env(attrs["env"])
	d.Config = emptyConfig(block)
	if config := blocks["config"]; config != nil {
		d.Config = config.Body
	}
	l.config(&d)

	d.Fingerprint = fingerprint(&d, attrs["when"], l.source.file.Bytes, executable)
	return d
}

func (l *loader) name(name string, at hcl.Range) {
	if first, ok := l.seen[name]; ok {
		l.errorf(at, "Duplicate handler", "There is a handler %q already, at %s. Give each its own name.", name, first)
		return
	}
	l.seen[name] = at
	if name == "" {
		l.errorf(at, "Handler without a name", `A handler has a name, as in handler "archive" { ... }.`)
		return
	}
	if len(name) > maxNameLength {
		l.errorf(at, "Handler's name too long", "A handler's name has up to %d characters; this has %d.", maxNameLength, len(name))
		return
	}
	for _, c := range name {
		if !nameCharacter(c) {
			l.errorf(at, "Wrong handler name", "A handler's name is made of the letters a to z, digits, _ and -; %q is none of these.", c)
			return
		}
	}
}

func validName(name string) bool {
	wrong := func(c rune) bool { return !nameCharacter(c) }
	return name != "" && len(name) <= maxNameLength && !strings.ContainsFunc(name, wrong)
}

func nameCharacter(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func (l *loader) order(attr *hcl.Attribute, to *Order) {
	given, ok := l.text(attr)
	if !ok {
		return
	}
	orders := []string{string(OrderVehicle), string(OrderNone)}
	if !slices.Contains(orders, given) {
		l.errorf(attr.Expr.Range(), "Unknown order", `The order is "vehicle" (one event of a vehicle at a time) or "none".%s`,
			text.DidYouMean(given, orders))
		return
	}
	*to = Order(given)
}

// single returns the blocks by their type, each of which may appear once.
func (l *loader) single(blocks hcl.Blocks) map[string]*hcl.Block {
	byType := make(map[string]*hcl.Block)
	for _, block := range blocks {
		if first := byType[block.Type]; first != nil {
			l.errorf(block.DefRange, "Duplicate block", "A handler has one %s block; there is one already, at %s.", block.Type, first.DefRange)
			continue
		}
		byType[block.Type] = block
	}
	return byType
}

func (l *loader) content(block *hcl.Block, schema *hcl.BodySchema) hcl.Attributes {
	if block == nil {
		return nil
	}
	content, diags := block.Body.Content(schema)
	l.diags = append(l.diags, diags...)
	return content.Attributes
}

func (l *loader) retry(block *hcl.Block, to *Retry) {
	attrs := l.content(block, retrySchema)
	l.number(attrs["max_attempts"], maxAttemptsRange, &to.MaxAttempts)
	minOK := l.duration(attrs["min_delay"], delayRange, &to.MinDelay)
	maxOK := l.duration(attrs["max_delay"], delayRange, &to.MaxDelay)
	if !minOK || !maxOK || to.MinDelay <= to.MaxDelay {
		return
	}
	at := attrs["min_delay"]
	if at == nil {
		at = attrs["max_delay"]
	}
	l.errorf(at.Expr.Range(), "Delays out of order", "min_delay is %s and max_delay is %s; min_delay must not be the larger one.",
		formatDuration(to.MinDelay), formatDuration(to.MaxDelay))
}

func (l *loader) breaker(block *hcl.Block, to *Breaker) {
	attrs := l.content(block, breakerSchema)
	l.number(attrs["failures"], failuresRange, &to.Failures)
	l.duration(attrs["cooldown"], cooldownRange, &to.Cooldown)
}

func (l *loader) batch(block *hcl.Block, to *Batch) {
	attrs := l.content(block, batchSchema)
	l.number(attrs["max_events"], maxEventsRange, &to.MaxEvents)
	l.duration(attrs["max_wait"], maxWaitRange, &to.MaxWait)
}

// emptyConfig stands in for a missing config block, so that what the plugin misses
// in it is reported at the handler.
func emptyConfig(block *hcl.Block) hcl.Body {
	return &hclsyntax.Body{SrcRange: block.DefRange, EndRange: block.DefRange}
}
