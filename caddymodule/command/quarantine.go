package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// quarantineFlags are the flags of `quarantine` and of what is below it.
type quarantineFlags struct {
	admin            adminFlags
	list             listFlags
	source           string
	all, yes, dryRun bool
	raw              bool
}

func quarantineCommand() *cobra.Command {
	cmd := quarantineListCommand("quarantine")
	cmd.AddCommand(quarantineListCommand("list"), quarantineShowCommand(), quarantineReleaseCommand(),
		quarantineRemoveCommand())
	return cmd
}

func quarantineListCommand(name string) *cobra.Command {
	var f quarantineFlags
	cmd := &cobra.Command{
		Use:   name,
		Short: "Lists requests that were refused for their signature and are kept",
		Long: `Lists the requests that were refused with signature_mismatch and kept, the oldest
first, where the config has the option "quarantine". TOKEN is the number of the token
that one verifies under now, and can be released. Anybody can send such requests: what
does not verify may be Smartcar's, signed with a token that you have yet to find, or a
stranger's. EVENT is what the body claims.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runQuarantine(newPrinter(cmd), f)
		},
	}
	cmd.Flags().StringVar(&f.source, "source", "", "only what came to the receiver of this name")
	f.list.register(cmd)
	f.admin.register(cmd)
	return cmd
}

func runQuarantine(p printer, f quarantineFlags) error {
	if err := f.list.check(f.admin.json); err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	query := url.Values{}
	if f.source != "" {
		query.Set("source", f.source)
	}
	if f.admin.json {
		return p.raw(c.Call(http.MethodGet, "quarantine", f.list.raw(query), nil, nil))
	}
	found, err := collect(f.list, query, func(q url.Values) (api.Page[api.Quarantined], error) {
		var v api.Page[api.Quarantined]
		_, err := c.Call(http.MethodGet, "quarantine", q, nil, &v)
		return v, err
	})
	if err != nil {
		return err
	}
	if len(found.Items) == 0 && found.NextCursor == "" {
		return p.noneQuarantined(c)
	}
	return p.quarantined(found, time.Now())
}

// noneQuarantined says why nothing is listed: a quarantine that is off keeps nothing.
func (p printer) noneQuarantined(c *api.Client) error {
	var v api.Status
	if _, err := c.Call(http.MethodGet, "status", nil, nil, &v); err != nil {
		return err
	}
	if v.Quarantine.On {
		fmt.Fprintln(p.out, "Nothing is in the quarantine.")
		return nil
	}
	fmt.Fprintln(p.out, "Nothing is in the quarantine. It is off: the option quarantine of the app smartcar keeps what is refused.")
	return nil
}

func (p printer) quarantined(found api.Page[api.Quarantined], now time.Time) error {
	rows := make([]string, 0, len(found.Items))
	for i := range found.Items {
		k := &found.Items[i]
		token := "none"
		if k.Verifies {
			token = text.Count(k.Token)
		}
		if p.narrow() {
			rows = append(rows, cells(k.ID, p.brief(k.ReceivedAt, now, time.TimeOnly), p.fit(k.Source, sourceWidth), k.Network, token))
			continue
		}
		rows = append(rows, cells(k.ID, p.clock(k.ReceivedAt), k.Source, k.Network, humanize.IBytes(uint64(k.SizeBytes)),
			k.ClaimedMode, k.ClaimedEventID, token))
	}
	heading := "ID\tRECEIVED\tSOURCE\tNETWORK\tSIZE\tMODE\tEVENT\tTOKEN"
	if p.narrow() {
		heading = "ID\tRECEIVED\tSOURCE\tNETWORK\tTOKEN"
	}
	if err := p.table(heading, rows); err != nil {
		return err
	}
	p.more(found.NextCursor)
	return nil
}

func quarantineShowCommand() *cobra.Command {
	var f quarantineFlags
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Shows one, with its body",
		Long: `Shows a request that is kept, with its body. With --raw it prints nothing but the
bytes of the body, as they came: they are what the signature is about.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runQuarantineShow(newPrinter(cmd), f, args[0])
		},
	}
	cmd.Flags().BoolVar(&f.raw, "raw", false, "print the bytes of the body and nothing else")
	f.admin.register(cmd)
	return cmd
}

func runQuarantineShow(p printer, f quarantineFlags, id string) error {
	if f.raw && f.admin.json {
		return misusedf("--raw and --json: give one of them")
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	var d api.QuarantinedDetail
	raw, err := c.Call(http.MethodGet, "quarantine/"+url.PathEscape(id), nil, nil, &d)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	if f.raw {
		_, err := p.out.Write(d.Body)
		return err
	}
	return p.quarantinedDetail(&d)
}

func (p printer) quarantinedDetail(d *api.QuarantinedDetail) error {
	verifies := "under no token of its source"
	if d.Verifies {
		verifies = "under token " + text.Count(d.Token)
	}
	err := p.pairs([]pair{
		{"Quarantined", d.ID},
		{"Received", p.clock(d.ReceivedAt) + " by " + d.Source},
		{"Refused with", d.Code},
		{"From", text.Clean(d.Network)},
		{"Verifies", verifies},
		{"Claims event", text.Clean(d.ClaimedEventID)},
		{"Claims mode", text.Clean(d.ClaimedMode)},
		{"Content-Type", text.Clean(d.ContentType)},
		{"SC-Signature", text.Clean(d.Signature)},
		{"Size", text.Count(d.SizeBytes) + " bytes"},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out)
	var pretty bytes.Buffer
	content := api.Content{PayloadBase64: d.Body}
	if json.Indent(&pretty, d.Body, "", "") == nil {
		content = api.Content{Payload: d.Body}
	}
	return p.payload(&content)
}
