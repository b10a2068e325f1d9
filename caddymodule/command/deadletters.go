package command

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// deadLetterFlags are the flags of `dead-letters` and of what is below it.
type deadLetterFlags struct {
	admin  adminFlags
	filter filterFlags
	list   listFlags
	bulk   bulkFlags
}

// bulkFlags are those of orders about many at once.
type bulkFlags struct {
	all, yes, dryRun bool
	rate             float64
	detach           bool
}

func (f *bulkFlags) register(cmd *cobra.Command, all string) {
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, all)
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&f.dryRun, "dry-run", false, "count, and do nothing")
}

func (f *bulkFlags) replay(cmd *cobra.Command, all string) {
	f.register(cmd, all)
	cmd.Flags().Float64Var(&f.rate, "rate", 100, "events a second, 0.01 to 10000")
	cmd.Flags().BoolVar(&f.detach, "detach", false, "do not follow it")
}

func deadLettersCommand() *cobra.Command {
	cmd := deadLettersListCommand("dead-letters")
	cmd.AddCommand(deadLettersListCommand("list"), deadLettersShowCommand(),
		deadLettersReplayCommand(), deadLettersDropCommand())
	return cmd
}

func deadLettersListCommand(name string) *cobra.Command {
	var f deadLetterFlags
	cmd := &cobra.Command{
		Use:   name,
		Short: "Lists what handlers gave up on",
		Long: `Lists dead letters, the oldest first: events that a handler rejected, that used up
their attempts or their time, that made its process crash again and again, or that
could not be read. Each keeps a copy of its event until it is replayed or dropped,
or its retention ends.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDeadLetters(newPrinter(cmd), f)
		},
	}
	f.filter.letters(cmd)
	f.list.register(cmd)
	f.admin.register(cmd)
	return cmd
}

func runDeadLetters(p printer, f deadLetterFlags) error {
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
	if f.admin.json {
		return p.raw(c.Call(http.MethodGet, "dead-letters", f.list.raw(o.Query()), nil, nil))
	}
	damaged := 0
	found, err := collect(f.list, o.Query(), func(q url.Values) (api.Page[api.DeadLetter], error) {
		var v api.DeadLetterPage
		_, err := c.Call(http.MethodGet, "dead-letters", q, nil, &v)
		damaged += v.Damaged
		return v.Page, err
	})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 && damaged == 0 && o.Empty() {
		fmt.Fprintln(p.out, "There are no dead letters.")
		return nil
	}
	if err := p.letters(found, time.Now()); err != nil {
		return err
	}
	p.damaged(damaged)
	return nil
}

func (p printer) letters(found api.Page[api.DeadLetter], now time.Time) error {
	if len(found.Items) == 0 {
		fmt.Fprintln(p.out, "There is no such dead letter.")
		return nil
	}
	if p.narrow() {
		for i := range found.Items {
			p.narrowDeadLetter(&found.Items[i], now)
		}
		p.more(found.NextCursor)
		return nil
	}
	rows := make([]string, 0, len(found.Items))
	for i := range found.Items {
		l := &found.Items[i]
		rows = append(rows, cells(l.ID, p.clock(l.DiedAt), l.Handler, l.Reason, text.Count(l.Attempts),
			l.Event.Type, l.Event.VehicleID, deadLetterError(l)))
	}
	if err := p.table("ID\tDIED\tHANDLER\tREASON\tATTEMPTS\tTYPE\tVEHICLE\tLAST ERROR", rows); err != nil {
		return err
	}
	p.more(found.NextCursor)
	return nil
}

// narrowDeadLetter takes a line for the id, which other commands take, and one for why.
func (p printer) narrowDeadLetter(l *api.DeadLetter, now time.Time) {
	of := cells(l.Handler)
	line := fmt.Sprintf("%s  %s  %s  %s", l.ID, p.brief(l.DiedAt, now, time.TimeOnly), of, l.Reason)
	fmt.Fprintln(p.out, text.Shorten(line, max(p.width, len(l.ID))))
	what := strings.TrimSpace(text.Clean(l.Event.Type) + " " + middle(l.Event.VehicleID, idWidth))
	if l.Attempts > 0 {
		what += ", " + text.Plural(uint64(l.Attempts), "attempt")
	}
	for _, line := range p.wrapped("  ", text.Because(what, deadLetterError(l)), 2) {
		fmt.Fprintln(p.out, line)
	}
}

// deadLetterError is the handler's own word and the last error, on one line.
func deadLetterError(l *api.DeadLetter) string {
	why := lastError(&l.RetryState)
	if l.HandlerReason == "" || strings.HasPrefix(why, l.HandlerReason) {
		return why
	}
	return strings.TrimSuffix(l.HandlerReason+": "+why, ": ")
}

func deadLettersShowCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:          "show ID",
		Short:        "Shows one, with its copy of the event",
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := f.client()
			if err != nil {
				return err
			}
			return showDeadLetter(newPrinter(cmd), f, c, args[0])
		},
	}
	f.register(cmd)
	return cmd
}

func deadLettersDropCommand() *cobra.Command {
	var f deadLetterFlags
	cmd := &cobra.Command{
		Use:   "drop [ID ...]",
		Short: "Removes dead letters for good",
		Long: `Removes the dead letters with these ids, or those that the flags pick, with their
copies of the events. Counts first, and asks.`,
		Example: `  caddy smartcar dead-letters drop --handler crm --reason rejected --dry-run
  caddy smartcar dead-letters drop --until 14d`,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.filter.order.DeadLetterIDs = args
			return runDrop(newPrinter(cmd), newConfirmation(cmd, f.bulk.yes), f)
		},
	}
	f.filter.letters(cmd)
	f.bulk.register(cmd, "drop all dead letters there are")
	f.admin.registerWith(cmd, longTimeout)
	return cmd
}

func runDrop(p printer, confirm confirmation, f deadLetterFlags) error {
	o, err := f.filter.filter(time.Now())
	if err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	if err := checkPick(o, f.bulk.all); err != nil {
		return err
	}
	query := o.Query()
	if f.bulk.all {
		query.Set("all", "true")
	}
	query.Set("dry_run", "true")
	var counted api.DeadLetterCount
	raw, err := c.Call(http.MethodDelete, "dead-letters", query, nil, &counted)
	if err != nil {
		return err
	}
	if err := noneFound(o, counted.Matched); err != nil {
		return err
	}
	if f.bulk.dryRun && f.admin.json {
		return p.raw(raw, nil)
	}
	if !f.admin.json {
		p.counted(&counted)
	}
	if f.bulk.dryRun || counted.Matched == 0 && !f.admin.json {
		return nil
	}
	question := fmt.Sprintf("Drop %s for good?", text.Plural(uint64(counted.Matched), "dead letter"))
	if err := confirm.ask(question); err != nil {
		return err
	}
	query.Del("dry_run")
	var dropped api.DeadLetterCount
	raw, err = c.Call(http.MethodDelete, "dead-letters", query, nil, &dropped)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	fmt.Fprintf(p.out, "Dropped %s.\n", text.Plural(uint64(dropped.Dropped), "dead letter"))
	return nil
}
