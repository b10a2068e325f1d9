package command

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// filterFlags are the flags that pick events or dead letters.
type filterFlags struct {
	order        api.Filter
	since, until string
}

// events adds the flags that events and dead letters share.
func (f *filterFlags) events(cmd *cobra.Command, times string) {
	flags := cmd.Flags()
	flags.StringVar(&f.order.Vehicle, "vehicle", "", "only this vehicle, by Smartcar's id")
	flags.StringVar(&f.order.Type, "type", "", "only this type, such as VEHICLE_STATE")
	flags.StringVar(&f.order.Mode, "mode", "", "only this mode: LIVE or TEST")
	flags.StringVar(&f.order.Source, "source", "", "only what the receiver of this name took")
	flags.StringVar(&f.order.Webhook, "webhook", "", "only this webhook, by Smartcar's id")
	flags.StringVar(&f.since, "since", "",
		"only what "+times+" then or later: 2h, 3d, 2026-03-01T15:04:05Z or \"2026-03-01 15:04\"")
	flags.StringVar(&f.until, "until", "", "only what "+times+" before then")
}

// letters adds those for dead letters.
func (f *filterFlags) letters(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.order.Handler, "handler", "", "only those of this handler")
	flags.StringVar(&f.order.Reason, "reason", "",
		"only those with this reason: rejected, exhausted, expired, poison or unreadable")
	flags.StringSliceVar(&f.order.EventIDs, "event-id", nil, "only those of this event; repeatable")
	f.events(cmd, "died")
}

// filter returns what was asked for, with absolute times.
func (f *filterFlags) filter(now time.Time) (api.Filter, error) {
	o := f.order
	o.Type, o.Mode = strings.ToUpper(o.Type), strings.ToUpper(o.Mode)
	var err error
	if o.Since, err = absoluteTime("--since", f.since, now); err != nil {
		return o, err
	}
	o.Until, err = absoluteTime("--until", f.until, now)
	return o, err
}

// absoluteTime reads a time as people write it: as a duration before now, or as a time,
// which is local where it has no zone.
func absoluteTime(name, text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if d, err := caddy.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d).UTC().Format(time.RFC3339Nano), nil
	}
	// A zone may move a time out of the years that can be written.
	layouts := []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, text, now.Location())
		if year := t.UTC().Year(); err == nil && year >= 0 && year <= 9999 {
			return t.UTC().Format(time.RFC3339Nano), nil
		}
	}
	return "", misusedf("%s %q: write how long ago, more than 0 (90m, 2h, 3d),"+
		" or when (2026-03-01T15:04:05Z, \"2026-03-01 15:04\")", name, text)
}

// listFlags page through a list.
type listFlags struct {
	limit  int
	cursor string
}

func (f *listFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.limit, "limit", api.DefaultLimit, "the most to list; with --json at most 1000, in one page")
	flags.StringVar(&f.cursor, "cursor", "", "go on behind an earlier answer, with its next_cursor")
	flags.Bool("wide", false, "shorten nothing to fit the terminal")
}

// check refuses a wrong --limit.
func (f *listFlags) check(json bool) error {
	switch {
	case f.limit < 1:
		return misusedf("--limit %d: must be 1 or more", f.limit)
	case json && f.limit > api.MaxLimit:
		return misusedf("--limit %d: with --json it must be 1 to %d; go on with --cursor", f.limit, api.MaxLimit)
	default:
		return nil
	}
}

// collect asks for pages until there are as many items as wanted, or no more. A page
// may be short and yet have a next one.
func collect[T any](f listFlags, query url.Values, ask func(url.Values) (api.Page[T], error)) (api.Page[T], error) {
	all := api.Page[T]{NextCursor: f.cursor}
	for {
		query.Set("limit", fmt.Sprint(max(1, min(f.limit-len(all.Items), api.MaxLimit))))
		if all.NextCursor != "" {
			query.Set("cursor", all.NextCursor)
		}
		next, err := ask(query)
		if err != nil {
			return all, err
		}
		all.Items = append(all.Items, next.Items...)
		all.NextCursor = next.NextCursor
		if all.NextCursor == "" || len(all.Items) >= f.limit {
			return all, nil
		}
	}
}

// raw asks for one page as it is.
func (f listFlags) raw(query url.Values) url.Values {
	query.Set("limit", fmt.Sprint(f.limit))
	if f.cursor != "" {
		query.Set("cursor", f.cursor)
	}
	return query
}
