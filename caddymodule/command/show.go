package command

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

func showCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:   "show POSITION | EVENT-ID | DEAD-LETTER-ID",
		Short: "Shows one event, and where it stands with each handler",
		Long: `Shows one stored event with its payload, and for each handler whether it is
settled, waits, is to be tried again and when, or is a dead letter. A dead letter
is shown with its own copy of the event.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runShow(newPrinter(cmd), f, args[0])
		},
	}
	f.register(cmd)
	return cmd
}

// runShow tries what a name can mean: the position of an event, its id, a dead letter.
func runShow(p printer, f adminFlags, name string) error {
	c, err := f.client()
	if err != nil {
		return err
	}
	if position, err := strconv.ParseUint(name, 10, 64); err == nil {
		if position == 0 {
			return misusedf("there is no position 0: positions begin at 1, and `caddy smartcar events` lists them")
		}
		return showEvent(p, f, c, name)
	}
	var found api.Page[api.Event]
	_, err = c.Call(http.MethodGet, "events", url.Values{"id": {name}}, nil, &found)
	if api.IsNotFound(err) {
		letterErr := showDeadLetter(p, f, c, name)
		if api.IsNotFound(letterErr) {
			return fmt.Errorf("there is neither an event nor a dead letter %q: `caddy smartcar events` and"+
				" `caddy smartcar dead-letters` list what there is.\nOf the event: %w", name, err)
		}
		return letterErr
	}
	if err != nil {
		return err
	}
	for i, e := range found.Items {
		if i > 0 && !f.json {
			fmt.Fprintln(p.out)
		}
		if err := showEvent(p, f, c, strconv.FormatUint(e.Position, 10)); err != nil {
			return err
		}
	}
	return nil
}

func showEvent(p printer, f adminFlags, c *api.Client, position string) error {
	var e api.EventDetail
	raw, err := c.Call(http.MethodGet, "events/"+position, nil, nil, &e)
	if f.json || err != nil {
		return p.raw(raw, err)
	}
	return p.eventDetail(&e)
}

func (p printer) eventDetail(e *api.EventDetail) error {
	if err := p.pairs(p.eventPairs(&e.Event, &e.Content)); err != nil {
		return err
	}
	fmt.Fprintln(p.out)
	if err := p.payload(&e.Content); err != nil {
		return err
	}
	fmt.Fprintln(p.out)
	return p.states(e.Handlers)
}

func showDeadLetter(p printer, f adminFlags, c *api.Client, id string) error {
	var l api.DeadLetterDetail
	raw, err := c.Call(http.MethodGet, "dead-letters/"+url.PathEscape(id), nil, nil, &l)
	if f.json || err != nil {
		return p.raw(raw, err)
	}
	return p.deadLetterDetail(&l)
}

func (p printer) deadLetterDetail(l *api.DeadLetterDetail) error {
	pairs := []pair{
		{"Dead letter", l.ID},
		{"Handler", l.Handler},
		{"Reason", strings.TrimSpace(l.Reason + " " + text.Clean(l.HandlerReason))},
		{"Died", p.clock(l.DiedAt)},
		{"Attempts", text.Count(l.Attempts)},
		{"Crashes", zeroIsNothing(l.Crashes)},
		{"First attempt", p.attempt(l.FirstAt.IsZero(), p.clock(l.FirstAt), firstLine(l.FirstError))},
		{"Last attempt", p.attempt(l.LastAt.IsZero(), p.clock(l.LastAt), lastError(&l.RetryState))},
		{"Replay", l.Replay},
	}
	if err := p.pairs(append(pairs, p.eventPairs(&l.Event, &l.Content)...)); err != nil {
		return err
	}
	p.whole("First error", l.FirstError, 0)
	p.whole("Last error", l.LastError, 0)
	fmt.Fprintln(p.out)
	return p.payload(&l.Content)
}

// lastError is on one line; one with several is shown below.
func lastError(a *api.RetryState) string { return firstLine(a.LastError) }

func (p printer) attempt(none bool, when, why string) string {
	if none {
		return text.Clean(why)
	}
	if why == "" {
		return when
	}
	return when + ": " + text.Clean(why)
}

func (p printer) eventPairs(e *api.Event, l *api.Content) []pair {
	return []pair{
		{"Event", text.Clean(e.ID)},
		{"Position", strconv.FormatUint(e.Position, 10)},
		{"Type", text.Clean(e.Type)},
		{"Mode", text.Clean(e.Mode)},
		{"Vehicle", text.Clean(e.VehicleID)},
		{"User", text.Clean(l.UserID)},
		{"Webhook", text.Clean(e.WebhookID)},
		{"Delivery", text.Clean(l.DeliveryID)},
		{"Received", p.clock(e.ReceivedAt) + " by " + e.Source},
		{"Unreadable", text.Clean(l.Unreadable)},
	}
}

func (p printer) states(list []api.EventState) error {
	if len(list) == 0 {
		fmt.Fprintln(p.out, "No handler has had or will have it.")
		return nil
	}
	rows := make([]string, 0, len(list))
	for _, s := range list {
		state := s.State
		if s.DeadLetter != "" {
			state = "dead letter " + s.DeadLetter
		}
		rows = append(rows, cells(s.Handler, state, text.Count(s.Attempts), p.clock(s.NextAttemptAt),
			p.fit(firstLine(s.LastError), screen/2)))
	}
	err := p.table("HANDLER\tSTATE\tATTEMPTS\tNEXT ATTEMPT\tLAST ERROR", rows)
	for _, s := range list {
		p.whole("Last error of "+s.Handler, s.LastError, screen/2)
	}
	return err
}

// payload shows JSON with indents, anything else as base64.
func (p printer) payload(v *api.Content) error {
	var pretty bytes.Buffer
	if len(v.Payload) > 0 && json.Indent(&pretty, v.Payload, "", "  ") == nil {
		_, err := fmt.Fprintf(p.out, "%s\n", escapeControls(pretty.String()))
		return err
	}
	_, err := fmt.Fprintf(p.out, "The payload is not JSON; in base64:\n%s\n",
		base64.StdEncoding.EncodeToString(v.PayloadBase64))
	return err
}

// escapeControls: JSON may hold DEL and C1 controls unescaped, which steer terminals.
func escapeControls(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
