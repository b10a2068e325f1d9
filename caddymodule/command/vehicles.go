package command

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// vehiclesFlags are the flags of `vehicles`.
type vehiclesFlags struct {
	admin          adminFlags
	list           listFlags
	source, silent string
	inError        bool
}

func vehiclesCommand() *cobra.Command {
	var f vehiclesFlags
	cmd := &cobra.Command{
		Use:   "vehicles [ID]",
		Short: "Says when each vehicle was last heard of, and which errors are open",
		Long: `Lists the vehicles that events came of: when the last one of each type came, how new
the newest reading is, and the errors that VEHICLE_ERRORs told and none has resolved.
They are ordered by source and id. With the id of a vehicle, all about that one.`,
		Example: `  caddy smartcar vehicles --silent 24h
  caddy smartcar vehicles --in-error --source production
  caddy smartcar vehicles 1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10`,
		Args:         cobra.MaximumNArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return runVehicle(newPrinter(cmd), f, args[0])
			}
			return runVehicles(newPrinter(cmd), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.source, "source", "", "only what the receiver of this name took")
	flags.StringVar(&f.silent, "silent", "", "only those that nothing was heard of for so long: 24h, 3d")
	flags.BoolVar(&f.inError, "in-error", false, "only those with open errors")
	f.list.register(cmd)
	f.admin.register(cmd)
	cmd.AddCommand(vehiclesForgetCommand())
	return cmd
}

// query is what was asked for.
func (f *vehiclesFlags) query() (url.Values, error) {
	query := url.Values{}
	if f.source != "" {
		query.Set("source", f.source)
	}
	if f.inError {
		query.Set("in_error", "true")
	}
	if f.silent != "" {
		if d, err := caddy.ParseDuration(f.silent); err != nil || d <= 0 {
			return nil, misusedf("--silent %q: write how long, more than 0: 90m, 24h, 3d", f.silent)
		}
		query.Set("silent", f.silent)
	}
	return query, f.list.check(f.admin.json)
}

func runVehicles(p printer, f vehiclesFlags) error {
	query, err := f.query()
	if err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	if f.admin.json {
		return p.raw(c.Call(http.MethodGet, "vehicles", f.list.raw(query), nil, nil))
	}
	behind := uint64(0)
	found, err := collect(f.list, query, func(q url.Values) (api.Page[api.Vehicle], error) {
		var v api.VehiclePage
		_, err := c.Call(http.MethodGet, "vehicles", q, nil, &v)
		behind = v.Behind
		return v.Page, err
	})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 {
		fmt.Fprintln(p.out, f.none())
		p.behind(behind)
		return nil
	}
	return p.vehicles(found, behind, time.Now())
}

func runVehicle(p printer, f vehiclesFlags, id string) error {
	if f.source != "" || f.silent != "" || f.inError {
		return misusedf("with the id of a vehicle no other can be picked: leave --source, --silent and --in-error out")
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	var v api.VehiclePage
	raw, err := c.Call(http.MethodGet, "vehicles/"+url.PathEscape(id), nil, nil, &v)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	now := time.Now()
	for i := range v.Items {
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		if err := p.vehicle(&v.Items[i], now); err != nil {
			return err
		}
	}
	p.behind(v.Behind)
	return nil
}

// none says that there is no vehicle of those that were asked for.
func (f *vehiclesFlags) none() string {
	var which string
	switch {
	case f.list.cursor != "":
		return "There are no more vehicles."
	case f.silent != "" && f.inError:
		which = " that has been silent for " + f.silent + " and has an open error"
	case f.silent != "":
		which = " that has been silent for " + f.silent
	case f.inError:
		which = " with an open error"
	}
	if f.source != "" {
		return fmt.Sprintf("There is no vehicle%s of source %s.", which, text.Clean(f.source))
	}
	if which == "" {
		return "No vehicle is known: none has had an event yet, or all were forgotten."
	}
	return "There is no vehicle" + which + "."
}

// vehicles lists what is known of vehicles.
func (p printer) vehicles(found api.Page[api.Vehicle], behind uint64, now time.Time) error {
	rows := make([]string, 0, len(found.Items))
	for i := range found.Items {
		v := &found.Items[i]
		last, reading := ago(v.LastEventAt, now), ago(v.NewestReadingAt, now)
		if p.narrow() {
			rows = append(rows, cells(p.fit(v.Source, sourceWidth), middle(v.ID, vehicleWidth), last, reading,
				text.Shorten(openErrors(v), errorsWidth)))
			continue
		}
		rows = append(rows, cells(v.Source, v.ID, p.clock(v.LastEventAt), last, reading, openErrors(v)))
	}
	heading := "SOURCE\tVEHICLE\tLAST EVENT\tAGO\tREADING\tOPEN ERRORS"
	if p.narrow() {
		heading = "SOURCE\tVEHICLE\tLAST EVENT\tREADING\tOPEN ERRORS"
	}
	if err := p.table(heading, rows); err != nil {
		return err
	}
	p.more(found.NextCursor)
	p.behind(behind)
	return nil
}

// Widths on a terminal.
const (
	sourceWidth  = 12
	vehicleWidth = 19
	errorsWidth  = 24
)

// openErrors names the errors of a vehicle.
func openErrors(v *api.Vehicle) string {
	var names []string
	for i := range v.OpenErrors {
		names = append(names, errorName(&v.OpenErrors[i]))
	}
	return strings.Join(names, ", ")
}

func errorName(e *api.OpenError) string {
	if e.Code == "" {
		return e.Type
	}
	return e.Type + "/" + e.Code
}

// ago is how long a moment is past.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return text.Duration(max(0, now.Sub(t)))
}

// vehicle describes one vehicle.
func (p printer) vehicle(v *api.Vehicle, now time.Time) error {
	since := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return fmt.Sprintf("%s (%s ago)", p.clock(t), ago(t, now))
	}
	lines := []pair{
		{"Vehicle", text.Clean(v.ID)},
		{"Source", text.Clean(v.Source)},
		{"Last event", since(v.LastEventAt)},
		{"VEHICLE_STATE", since(v.LastStateAt)},
		{"VEHICLE_ERROR", since(v.LastErrorAt)},
		{"Another type", since(v.LastOtherAt)},
		{"Newest reading", since(v.NewestReadingAt)},
	}
	for i := range v.OpenErrors {
		e := &v.OpenErrors[i]
		line := fmt.Sprintf("%s since %s", errorName(e), since(e.Since))
		if e.Resolution != "" {
			line += ", helps: " + e.Resolution
		}
		lines = append(lines, pair{"Open error", text.Clean(line)})
	}
	return p.pairs(lines)
}

// behind says that what is known may be older.
func (p printer) behind(events uint64) {
	if events > 0 {
		fmt.Fprintf(p.out, "%s of before are still being read: what is shown may be older.\n", text.Plural(events, "event"))
	}
}

func vehiclesForgetCommand() *cobra.Command {
	var f adminFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "forget ID",
		Short: "Deletes what is known of a vehicle",
		Long: `Deletes what "vehicles" knows of a vehicle, from disk too. Its events stay in the
buffer until their retention ends, and so do its dead letters; a later event makes it
known again.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := f.client()
			if err != nil {
				return err
			}
			id := args[0]
			if err := newConfirmation(cmd, yes).ask("Delete what is known of vehicle " + text.Clean(id) + "?"); err != nil {
				return err
			}
			p := newPrinter(cmd)
			raw, err := c.Call(http.MethodDelete, "vehicles/"+url.PathEscape(id), nil, nil, nil)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			fmt.Fprintln(p.out, "What was known of it is deleted. Its events stay in the buffer until their retention ends.")
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.register(cmd)
	return cmd
}
