package command

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func damagedCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "damaged",
		Short: "Lists damaged files of the buffer that were set aside",
		Long: `Where files of the buffer are damaged, it sets them aside and goes on without them.
"damaged" says which, when and why; "damaged recover" gives back what can be read in
them. The buffer deletes nothing of it by itself: "damaged remove" does, when you need
a folder no more.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			var v api.Status
			raw, err := c.Call(http.MethodGet, "status", nil, nil, &v)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			return p.damagedFiles(v.Buffer.Damaged)
		},
	}
	f.register(cmd)
	cmd.AddCommand(damagedRecoverCommand(), damagedRemoveCommand())
	return cmd
}

// damagedFiles lists what was set aside.
func (p printer) damagedFiles(all []api.Damaged) error {
	if len(all) == 0 {
		fmt.Fprintln(p.out, "No damaged files are set aside.")
		return nil
	}
	for i := range all {
		d := &all[i]
		err := p.pairs([]pair{
			{"Name", d.Name},
			{"Set aside", p.clock(d.At)},
			{"Why", d.Why},
			{"What", damagedPart(d.What)},
			{"Files", fmt.Sprintf("%d, %s", d.Files, humanize.IBytes(d.Bytes))},
			{"Folder", d.Folder},
			{"Recovered", p.recoveredAt(d)},
			{"Recover", p.howToRecover(d)},
			{"Remove", p.command("caddy smartcar damaged remove " + d.Name)},
		})
		if err != nil {
			return err
		}
		if i+1 < len(all) {
			fmt.Fprintln(p.out)
		}
	}
	return nil
}

// recoveredAt is when, and what is missing.
func (p printer) recoveredAt(d *api.Damaged) string {
	if d.RecoveredAt.IsZero() || d.Missing == 0 {
		return p.clock(d.RecoveredAt)
	}
	return fmt.Sprintf("%s, as far as they can be read; missing: %s", p.clock(d.RecoveredAt),
		text.Plural(d.Missing, "event"))
}

func (p printer) howToRecover(d *api.Damaged) string {
	switch {
	case d.What == "changes":
		return "nothing: no file is set aside"
	case d.Files == 0:
		return "nothing: the files are missing"
	case d.What == "store":
		return "nothing: no file of events is among them"
	}
	return p.command("caddy smartcar damaged recover --dry-run " + d.Name)
}

func damagedPart(what string) string {
	switch what {
	case "log":
		return "files of events: what can be read is in its place again"
	case "changes":
		return "what was just written: handlers may get events again"
	case "store":
		return "what was known of the events: built anew from them, but for what is older than their files"
	case "all":
		return "the whole buffer: what it holds is not delivered"
	}
	return what
}

func damagedRecoverCommand() *cobra.Command {
	var f adminFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "recover NAME",
		Short: "Gives back what can be read in damaged files",
		Long: `Stores the events anew that can be read in files that were set aside, each vehicle's
in their order. Every handler gets them, also those that had them before. What was
among the dead letters, since it could not be read as an event or differed from
another one, is so again. Events that the buffer knows, by source and id, and can
read, are left alone: after an error, run it again.
It says how many events are missing, by all that is known of what the files should
hold; after that, status does not ask again.
Without a file of events among them nothing is done. The files stay.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			query := url.Values{}
			if dryRun {
				query.Set("dry_run", "true")
			}
			var r api.Recovered
			raw, err := c.Call(http.MethodPost, "damaged/"+url.PathEscape(args[0])+"/recover", query, nil, &r)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			p.recovered(&r)
			return nil
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count the events")
	f.registerWith(cmd, longTimeout)
	return cmd
}

func (p printer) recovered(r *api.Recovered) {
	if r.Readable+r.Missing == 0 {
		fmt.Fprintln(p.out, "No events are in these files. Remove them when you need them no more.")
		p.lettersLost(r)
		return
	}
	fmt.Fprintf(p.out, "%s can be read", text.Plural(r.Readable, "event"))
	if !r.Oldest.IsZero() {
		fmt.Fprintf(p.out, ", received from %s to %s", p.clock(r.Oldest), p.clock(r.Newest))
	}
	fmt.Fprintf(p.out, "; missing: %s.\n", text.Count(r.Missing))
	if r.DeadLetters > 0 {
		fmt.Fprintf(p.out, "Of those that can be read, dead letters again: %s.\n", text.Count(r.DeadLetters))
	}
	p.lettersLost(r)
	if r.DryRun {
		fmt.Fprintln(p.out, "Nothing was done (--dry-run).")
		return
	}
	fmt.Fprintf(p.out, "%s stored anew, %s known.\n", text.Count(r.Stored), text.Count(r.Known))
	if r.Missing > 0 {
		fmt.Fprintln(p.out, "What is missing cannot be read in any file; handlers may have had it before.")
	}
}

func (p printer) lettersLost(r *api.Recovered) {
	if r.DeadLettersLost {
		fmt.Fprintln(p.out, "Dead letters of older events may be missing too: the store that had them cannot be read.")
	}
}
