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
"damaged" says which, when and why; "damaged recover" stores the events anew that can
be read in them. The buffer deletes nothing of it: remove a folder when you need it no
more.`,
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
	cmd.AddCommand(damagedRecoverCommand())
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
		do := p.command("caddy smartcar damaged recover --dry-run " + d.Name)
		switch {
		case d.Files == 0:
			do = "nothing: the files are missing"
		case d.What == "store":
			do = "nothing: no file of events is among them"
		}
		err := p.pairs([]pair{
			{"Name", d.Name},
			{"Set aside", p.clock(d.At)},
			{"Why", d.Why},
			{"What", damagedPart(d.What)},
			{"Files", fmt.Sprintf("%d, %s", d.Files, humanize.IBytes(d.Bytes))},
			{"Folder", d.Folder},
			{"Recovered", p.clock(d.RecoveredAt)},
			{"Recover", do},
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

func damagedPart(what string) string {
	switch what {
	case "log":
		return "files of events: what can be read is in its place again"
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
		Short: "Stores the events anew that can be read in damaged files",
		Long: `Stores the events anew that can be read in files that were set aside, each vehicle's
in their order. Every handler gets them, also those that had them before. Events that
the buffer knows, by source and id, and can read, are left alone: after an error, run
it again.
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
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count the events that can be read")
	f.registerWith(cmd, longTimeout)
	return cmd
}

func (p printer) recovered(r *api.Recovered) {
	if r.Readable+r.Unreadable == 0 {
		fmt.Fprintln(p.out, "No events are in these files. Remove the folder when you need it no more.")
		return
	}
	fmt.Fprintf(p.out, "%s can be read", text.Plural(r.Readable, "event"))
	if r.Readable > 0 {
		fmt.Fprintf(p.out, ", received from %s to %s", p.clock(r.Oldest), p.clock(r.Newest))
	}
	fmt.Fprintf(p.out, "; %s cannot.\n", text.Count(r.Unreadable))
	if r.DryRun {
		fmt.Fprintln(p.out, "Nothing was done (--dry-run).")
		return
	}
	fmt.Fprintf(p.out, "%s stored anew, %s known.\n", text.Count(r.Stored), text.Count(r.Known))
}
