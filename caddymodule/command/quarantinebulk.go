package command

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// bulk adds the flags of orders about many at once.
func (f *quarantineFlags) bulk(cmd *cobra.Command, all string) {
	flags := cmd.Flags()
	flags.StringVar(&f.source, "source", "", "only what came to the receiver of this name")
	flags.BoolVar(&f.all, "all", false, all)
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&f.dryRun, "dry-run", false, "count, and do nothing")
	f.admin.registerWith(cmd, longTimeout)
}

// check refuses an order about everything that does not say so.
func (f *quarantineFlags) check(ids []string) error {
	switch isAll := len(ids) == 0 && f.source == ""; {
	case isAll && !f.all:
		return misusedf("nothing is picked: give an id, --source, or --all for all there are")
	case !isAll && f.all:
		return misusedf("there are an id or --source, and --all: give one of them")
	default:
		return nil
	}
}

func quarantineReleaseCommand() *cobra.Command {
	var f quarantineFlags
	cmd := &cobra.Command{
		Use:   "release [ID ...]",
		Short: "Stores the events of what verifies now",
		Long: `Verifies what is kept with the tokens of the running config, stores the events of
what verifies, as if they had just been received, and removes it from the quarantine.
Each is stored once, also if it is released again after an error or a kill. What does
not verify stays. Handlers get a released event after those that were stored before
it, so a vehicle's older event may come after a newer one. Counts first, asks when
there are many.`,
		Example: `  caddy smartcar quarantine release --all --dry-run
  caddy smartcar quarantine release --source production`,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runQuarantineRelease(newPrinter(cmd), newConfirmation(cmd, f.yes), f, args)
		},
	}
	f.bulk(cmd, "release all that verifies")
	return cmd
}

func runQuarantineRelease(p printer, confirm confirmation, f quarantineFlags, ids []string) error {
	if err := f.check(ids); err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	order := api.QuarantineRelease{IDs: ids, Source: f.source, All: f.all, DryRun: true}
	var counted api.QuarantineReleased
	raw, err := c.Call(http.MethodPost, "quarantine/release", nil, order, &counted)
	if err != nil || f.dryRun && f.admin.json {
		return p.raw(raw, err)
	}
	if !f.admin.json {
		fmt.Fprintln(p.out, countedQuarantine(&counted))
	}
	if counted.Unverified > 0 && !f.admin.json {
		fmt.Fprintln(p.out, "Why one does not verify: caddy smartcar signature explain ID, with an id of caddy smartcar quarantine")
	}
	if f.dryRun || counted.Verified == 0 && !f.admin.json {
		return nil
	}
	if counted.Verified > largeReplay {
		if err := confirm.ask(fmt.Sprintf("Release %s?", text.Plural(uint64(counted.Verified), "event"))); err != nil {
			return err
		}
	}
	order.DryRun = false
	var done api.QuarantineReleased
	raw, err = c.Call(http.MethodPost, "quarantine/release", nil, order, &done)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	fmt.Fprintln(p.out, releasedQuarantine(&done))
	return nil
}

// countedQuarantine says what a release would do.
func countedQuarantine(c *api.QuarantineReleased) string {
	line := fmt.Sprintf("%s: %s now, %s not",
		text.Plural(uint64(c.Matched), "refused request"), verb(c.Verified, "verify", "verifies"), verb(c.Unverified, "do", "does"))
	if c.NoEvent > 0 {
		line += fmt.Sprintf("; %s no event", verb(c.NoEvent, "are", "is"))
	}
	if c.Gone > 0 {
		line += fmt.Sprintf("; %s damaged or too old", verb(c.Gone, "are", "is"))
	}
	return line + "."
}

// releasedQuarantine says what a release did.
func releasedQuarantine(r *api.QuarantineReleased) string {
	line := "Stored " + text.Plural(uint64(r.Stored), "event")
	var more []string
	if r.Unreadable > 0 {
		more = append(more, fmt.Sprintf("%s unreadable, among the dead letters", text.Count(r.Unreadable)))
	}
	if r.Duplicates > 0 {
		more = append(more, fmt.Sprintf("%s had been stored before", text.Count(r.Duplicates)))
	}
	if r.Differing > 0 {
		more = append(more, fmt.Sprintf("%s of these with other contents, among the dead letters", text.Count(r.Differing)))
	}
	if len(more) > 0 {
		line += " (" + strings.Join(more, "; ") + ")"
	}
	if r.Unverified > 0 {
		line += fmt.Sprintf("; %s in the quarantine", verb(r.Unverified, "stay", "stays"))
	}
	return line + "."
}

// verb is a number with the verb that fits it.
func verb(n int, many, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return text.Count(n) + " " + many
}

func quarantineRemoveCommand() *cobra.Command {
	var f quarantineFlags
	cmd := &cobra.Command{
		Use:   "remove [ID ...]",
		Short: "Deletes what is kept for good",
		Long: `Deletes requests that are kept: those with these ids, those of a source, or all.
Counts first, and asks.`,
		Example: `  caddy smartcar quarantine remove --all --dry-run
  caddy smartcar quarantine remove --source test`,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runQuarantineRemove(newPrinter(cmd), newConfirmation(cmd, f.yes), f, args)
		},
	}
	f.bulk(cmd, "delete all there are")
	return cmd
}

func runQuarantineRemove(p printer, confirm confirmation, f quarantineFlags, ids []string) error {
	if err := f.check(ids); err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	query := url.Values{"dry_run": {"true"}, "id": ids}
	if f.source != "" {
		query.Set("source", f.source)
	}
	if f.all {
		query.Set("all", "true")
	}
	var counted api.QuarantineRemoved
	raw, err := c.Call(http.MethodDelete, "quarantine", query, nil, &counted)
	if err != nil || f.dryRun && f.admin.json {
		return p.raw(raw, err)
	}
	what := text.Plural(uint64(counted.Matched), "refused request")
	if f.dryRun || counted.Matched == 0 && !f.admin.json {
		fmt.Fprintf(p.out, "%s. Nothing was done.\n", what)
		return nil
	}
	if err := confirm.ask(fmt.Sprintf("Delete %s for good?", what)); err != nil {
		return err
	}
	query.Del("dry_run")
	var done api.QuarantineRemoved
	raw, err = c.Call(http.MethodDelete, "quarantine", query, nil, &done)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	fmt.Fprintf(p.out, "Deleted %s.\n", text.Plural(uint64(done.Removed), "refused request"))
	return nil
}
