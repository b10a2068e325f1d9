package command

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// eventsFlags are the flags of `events`.
type eventsFlags struct {
	admin  adminFlags
	filter filterFlags
	list   listFlags
	newest bool
}

func eventsCommand() *cobra.Command {
	var f eventsFlags
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Lists stored events",
		Long: `Lists the events that the running Caddy has stored and not yet let go, the oldest
first. "show" tells all about one of them.`,
		Example: `  caddy smartcar events --newest --limit 20
  caddy smartcar events --vehicle 1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10 --since 2h`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEvents(newPrinter(cmd), f)
		},
	}
	f.filter.events(cmd, "was received")
	cmd.Flags().BoolVar(&f.newest, "newest", false, "the newest first")
	f.list.register(cmd)
	f.admin.register(cmd)
	return cmd
}

func runEvents(p printer, f eventsFlags) error {
	o, err := f.filter.filter(time.Now())
	if err != nil {
		return err
	}
	if err := f.list.check(f.admin.json); err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	query := o.Query()
	if f.newest {
		query.Set("newest", "true")
	}
	if f.admin.json {
		return p.raw(c.Call(http.MethodGet, "events", f.list.raw(query), nil, nil))
	}
	damaged := 0
	found, err := collect(f.list, query, func(q url.Values) (api.Page[api.Event], error) {
		var v api.EventPage
		_, err := c.Call(http.MethodGet, "events", q, nil, &v)
		damaged += v.Damaged
		return v.Page, err
	})
	if err != nil {
		return err
	}
	if err := p.events(found, time.Now()); err != nil {
		return err
	}
	p.damaged(damaged)
	return nil
}

// raw prints an answer as it came.
func (p printer) raw(answer []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = p.out.Write(answer)
	return err
}

// idWidth is what an id has on a terminal. "show" takes the position.
const idWidth = 17

func (p printer) events(found api.Page[api.Event], now time.Time) error {
	if len(found.Items) == 0 {
		fmt.Fprintln(p.out, "There is no such event.")
		return nil
	}
	rows := make([]string, 0, len(found.Items))
	if p.narrow() {
		for _, e := range found.Items {
			rows = append(rows, cells(fmt.Sprint(e.Position), p.brief(e.ReceivedAt, now, time.TimeOnly), e.Type,
				middle(e.VehicleID, idWidth), middle(e.ID, idWidth)))
		}
		if err := p.table("POSITION\tRECEIVED\tTYPE\tVEHICLE\tEVENT ID", rows); err != nil {
			return err
		}
		p.more(found.NextCursor)
		return nil
	}
	for _, e := range found.Items {
		rows = append(rows, cells(fmt.Sprint(e.Position), p.clock(e.ReceivedAt), e.Type, e.Mode, e.VehicleID, e.ID))
	}
	if err := p.table("POSITION\tRECEIVED\tTYPE\tMODE\tVEHICLE\tEVENT ID", rows); err != nil {
		return err
	}
	p.more(found.NextCursor)
	return nil
}

// more says how to see the rest of a list.
func (p printer) more(cursor string) {
	if cursor != "" {
		fmt.Fprintf(p.out, "There are more: raise --limit, narrow the filter, or go on with --cursor %s\n", cursor)
	}
}

func (p printer) damaged(n int) {
	if n > 0 {
		fmt.Fprintf(p.out, "%s on the way could not be read: see to the disk.\n", text.Plural(uint64(n), "damaged record"))
	}
}
