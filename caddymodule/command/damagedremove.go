package command

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// damagedRemoveFlags are the flags of `damaged remove`.
type damagedRemoveFlags struct {
	admin              adminFlags
	force, yes, dryRun bool
}

func damagedRemoveCommand() *cobra.Command {
	var f damagedRemoveFlags
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Deletes damaged files that were set aside",
		Long: `Deletes files that were set aside, for good. It refuses where events may be in them
that were not recovered yet, and where other files are not recovered yet whose dead
letters are in these: --force deletes them all the same.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDamagedRemove(newPrinter(cmd), newConfirmation(cmd, f.yes), f, args[0])
		},
	}
	cmd.Flags().BoolVar(&f.force, "force", false, "also what was not recovered")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what it would do")
	f.admin.register(cmd)
	return cmd
}

func runDamagedRemove(p printer, confirm confirmation, f damagedRemoveFlags, name string) error {
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	var v api.Status
	if _, err := c.Call(http.MethodGet, "status", nil, nil, &v); err != nil {
		return err
	}
	// What is not there, the order says.
	if i := slices.IndexFunc(v.Buffer.Damaged, func(d api.Damaged) bool { return d.Name == name }); i >= 0 {
		what := removable(&v.Buffer.Damaged[i])
		if f.dryRun {
			fmt.Fprintf(p.out, "%s. Nothing was done (--dry-run).\n", what)
			return nil
		}
		// What is refused needs no answer.
		if f.force || mayBeRemoved(&v.Buffer.Damaged[i]) {
			if err := confirm.ask(what + ".\nDelete them for good?"); err != nil {
				return err
			}
		}
	}
	query := url.Values{}
	if f.force {
		query.Set("force", "true")
	}
	var done api.DamagedRemoved
	raw, err := c.Call(http.MethodDelete, "damaged/"+url.PathEscape(name), query, nil, &done)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	fmt.Fprintf(p.out, "%s is removed.\n", done.Removed)
	return nil
}

// mayBeRemoved reports whether nothing in a folder can be recovered any more.
func mayBeRemoved(d *api.Damaged) bool {
	return !d.RecoveredAt.IsZero() || d.What == "store" || d.Files == 0
}

// removable says what is in a folder.
func removable(d *api.Damaged) string {
	what := fmt.Sprintf("%s, %s, are in %s", text.Plural(uint64(d.Files), "file"), humanize.IBytes(d.Bytes), d.Folder)
	switch {
	case d.What == "store":
		return what + ": no file of events is among them"
	case d.RecoveredAt.IsZero():
		return what + ": they were not recovered"
	case d.Missing > 0:
		return what + ": recovered, but for " + text.Plural(d.Missing, "event")
	}
	return what + ": recovered"
}
