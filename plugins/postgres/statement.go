package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// statement writes events with SQL of the user's, once for each event.
type statement struct{ sql string }

func (s statement) queue(batch *pgx.Batch, events []*sdk.Event) {
	for _, e := range events {
		batch.Queue(s.sql, arguments(e))
	}
}

func (s statement) statements() []string { return []string{s.sql} }

// arguments are what a statement can name. What Smartcar did not send is null, so that it fits a column of any type.
func arguments(e *sdk.Event) pgx.NamedArgs {
	stale := make([]string, len(e.StaleSignals))
	for i, code := range e.StaleSignals {
		stale[i] = clean(code)
	}
	return pgx.NamedArgs{
		"source":        clean(e.Source),
		"event_id":      key(e.ID),
		"event_type":    clean(e.Type),
		"mode":          orNull(e.Mode),
		"vehicle_id":    orNull(e.VehicleID),
		"user_id":       orNull(e.UserID),
		"webhook_id":    orNull(e.WebhookID),
		"received_at":   e.ReceivedAt,
		"position":      int64(e.Position),
		"attempt":       e.Attempt,
		"replay":        e.Replay,
		"stale_signals": stale,
		"content_type":  orNull(e.ContentType),
		"signature":     orNull(e.Signature),
		"payload":       e.Payload,
		"body":          jsonText(e.Payload),
	}
}

// sample has a value for every argument.
func sample() pgx.NamedArgs {
	return arguments(&sdk.Event{
		Source: "s", ID: "i", Type: "t", Mode: "m", VehicleID: "v", UserID: "u", WebhookID: "w", ReceivedAt: time.Unix(1, 0),
		Attempt: 1, StaleSignals: []string{"c"}, ContentType: "t", Signature: "s", Payload: []byte("{}"),
	})
}

// positional is the statement with $1 and so on, and its arguments in order.
func positional(sql string, args pgx.NamedArgs) (string, []any, error) {
	return args.RewriteQuery(context.Background(), nil, sql, nil)
}

var namedArgument = regexp.MustCompile(`@([A-Za-z_][A-Za-z0-9_]*)`)

// checkArguments finds arguments that there are not.
func checkArguments(sql string) error {
	known := sample()
	_, values, err := positional(sql, known)
	if err != nil {
		return sdk.ConfigError("statement", "Not a statement", "Its arguments cannot be read.")
	}
	if len(values) == 0 {
		return sdk.ConfigError("statement", "No argument",
			"It would write the same for every event. Use arguments such as @event_id and @payload.")
	}
	if !slices.Contains(values, nil) {
		return nil
	}
	var unknown []string
	for _, found := range namedArgument.FindAllStringSubmatch(sql, -1) {
		if _, ok := known[found[1]]; !ok && !slices.Contains(unknown, found[0]) {
			unknown = append(unknown, found[0])
		}
	}
	var names []string
	for name := range known {
		names = append(names, "@"+name)
	}
	slices.Sort(names)
	return sdk.ConfigError("statement", "Unknown argument", fmt.Sprintf("There is no %s. There are %s.",
		strings.Join(unknown, ", "), strings.Join(names, ", ")))
}
