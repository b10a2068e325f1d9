package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// largeReplay is how many events are replayed without asking.
const largeReplay = 1000

// replayFlags are the flags of `replay`.
type replayFlags struct {
	admin   adminFlags
	filter  filterFlags
	bulk    bulkFlags
	handler string
	ids     []string
}

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay --handler NAME",
		Short: "Gives a handler stored events again",
		Long: `Puts settled events that are still stored back for delivery to one handler, in
order, and marks their deliveries as a replay. The handler's "when" and the types
that its plugin wants are held to. Counts first, asks when there are many, then
follows until all are put back. A replay is kept over reloads and restarts; Ctrl-C
ends the following only.`,
		Example: `  caddy smartcar replay --handler crm --since 6h --dry-run
  caddy smartcar replay --handler crm --vehicle 1d2c6d5e-2b4d-4f0c-8c3b-54bb9a1e3a10`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runReplay(ctx, newPrinter(cmd), newConfirmation(cmd, f.bulk.yes), f)
		},
	}
	cmd.Flags().StringVar(&f.handler, "handler", "", "the handler that gets the events again")
	cmd.Flags().StringSliceVar(&f.ids, "event-id", nil, "only this event; repeatable")
	f.filter.events(cmd, "was received")
	f.bulk.replay(cmd, "replay all that is stored")
	f.admin.registerWith(cmd, longTimeout)
	cmd.AddCommand(replayListCommand(),
		replayOrderCommand("stop", "Stops a replay; it can be resumed", (*printer).stopped),
		replayOrderCommand("resume", "Lets a stopped or failed replay go on where it ended", (*printer).resumed))
	return cmd
}

func runReplay(ctx context.Context, p printer, confirm confirmation, f replayFlags) error {
	filter, err := f.filter.filter(time.Now())
	if err != nil {
		return err
	}
	if f.handler == "" {
		return misusedf("--handler is missing:" +
			" name the handler that gets the events again (`caddy smartcar status` lists them)")
	}
	filter.EventIDs = f.ids
	if err := errors.Join(checkPick(filter, f.bulk.all), f.bulk.checkRate()); err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	order := api.ReplayRequest{Handler: f.handler, Filter: filter, All: f.bulk.all, Rate: &f.bulk.rate, DryRun: true}
	var counted api.EventCount
	raw, err := c.Call(http.MethodPost, "replays", nil, order, &counted)
	if err != nil {
		return err
	}
	if counted.Matched == 0 && len(filter.EventIDs) > 0 {
		return fmt.Errorf("no stored event that the flags pick has the id %s", strings.Join(filter.EventIDs, " or "))
	}
	if f.bulk.dryRun && f.admin.json {
		return p.raw(raw, nil)
	}
	if !f.admin.json {
		p.countedEvents(&counted, f.handler)
	}
	if f.bulk.dryRun || counted.Matched == 0 && !f.admin.json {
		return nil
	}
	if counted.Matched > largeReplay {
		question := fmt.Sprintf("Give %s %s again, which takes %s at %g a second?", f.handler,
			text.Plural(uint64(counted.Matched), "event"), takes(counted.Matched, f.bulk.rate), f.bulk.rate)
		if err := confirm.ask(question); err != nil {
			return err
		}
	}
	order.DryRun = false
	var job api.Replay
	raw, err = c.Call(http.MethodPost, "replays", nil, order, &job)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	return p.begun(ctx, c, []api.Replay{job}, f.bulk.detach)
}

// takes returns how long a number of events takes at a rate.
func takes(events int, rate float64) string {
	return text.Duration(time.Duration(float64(events) / rate * float64(time.Second)))
}

func deadLettersReplayCommand() *cobra.Command {
	var f deadLetterFlags
	cmd := &cobra.Command{
		Use:   "replay [ID ...]",
		Short: "Gives dead letters to their handlers again",
		Long: `Puts the events of dead letters back for delivery: those with these ids, or those
that the flags pick. Each dead letter is gone when its event is put back, and it
may die again. Unreadable ones are read anew, and become events for all handlers if
that works. Counts first, asks when there are many, then follows.`,
		Example: `  caddy smartcar dead-letters replay --handler crm --reason exhausted --dry-run
  caddy smartcar dead-letters replay --handler crm --since 6h --rate 20`,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			f.filter.order.DeadLetterIDs = args
			return runDeadLettersReplay(ctx, newPrinter(cmd), newConfirmation(cmd, f.bulk.yes), f)
		},
	}
	f.filter.letters(cmd)
	f.bulk.replay(cmd, "replay all dead letters there are")
	f.admin.registerWith(cmd, longTimeout)
	return cmd
}

func runDeadLettersReplay(ctx context.Context, p printer, confirm confirmation, f deadLetterFlags) error {
	filter, err := f.filter.filter(time.Now())
	if err != nil {
		return err
	}
	if err := errors.Join(checkPick(filter, f.bulk.all), f.bulk.checkRate()); err != nil {
		return err
	}
	c, err := f.admin.client()
	if err != nil {
		return err
	}
	order := api.DeadLetterReplayRequest{Filter: filter, All: f.bulk.all, Rate: &f.bulk.rate, DryRun: true}
	var counted api.DeadLetterCount
	raw, err := c.Call(http.MethodPost, "dead-letters/replay", nil, order, &counted)
	if err != nil {
		return err
	}
	if err := noneFound(filter, counted.Matched); err != nil {
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
	if counted.Matched > largeReplay {
		if err := confirm.ask(fmt.Sprintf("Replay %s?", text.Plural(uint64(counted.Matched), "dead letter"))); err != nil {
			return err
		}
	}
	order.DryRun = false
	var begun api.DeadLetterReplay
	raw, err = c.Call(http.MethodPost, "dead-letters/replay", nil, order, &begun)
	if f.admin.json || err != nil {
		return p.raw(raw, err)
	}
	if r := begun.Reread; r.Readable+r.Unreadable > 0 {
		fmt.Fprintf(p.out, "Read anew: %s of %s of no handler; they are events for all handlers now.\n",
			text.Count(r.Readable), text.Plural(uint64(r.Readable+r.Unreadable), "dead letter"))
	}
	return p.begun(ctx, c, begun.Replays, f.bulk.detach)
}

// noneFound returns an error if ids were given and none of them exists.
func noneFound(o api.Filter, matched int) error {
	switch {
	case matched > 0:
		return nil
	case len(o.DeadLetterIDs) > 0:
		return fmt.Errorf("no dead letter that the flags pick has the id %s: it may have been replayed or dropped",
			strings.Join(o.DeadLetterIDs, " or "))
	case len(o.EventIDs) > 0:
		return fmt.Errorf("no dead letter that the flags pick is of the event %s", strings.Join(o.EventIDs, " or "))
	default:
		return nil
	}
}

// checkRate refuses a wrong --rate.
func (f *bulkFlags) checkRate() error {
	_, err := replay.CheckRate(f.rate)
	if f.rate == 0 {
		err = &replay.RateError{}
	}
	if err != nil {
		return misusedf("--%w", err)
	}
	return nil
}

// counted says how many dead letters a filter picks.
func (p printer) counted(c *api.DeadLetterCount) {
	fmt.Fprintf(p.out, "%s", text.Plural(uint64(c.Matched), "dead letter"))
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.ByHandler)) {
		of := name
		if of == "" {
			of = "no handler"
		}
		parts = append(parts, fmt.Sprintf("%s of %s", text.Count(c.ByHandler[name]), of))
	}
	for _, reason := range slices.Sorted(maps.Keys(c.ByReason)) {
		parts = append(parts, fmt.Sprintf("%s %s", text.Count(c.ByReason[reason]), reason))
	}
	if len(parts) > 0 {
		fmt.Fprintf(p.out, ": %s", strings.Join(parts, ", "))
	}
	fmt.Fprintln(p.out)
}

func (p printer) countedEvents(c *api.EventCount, handler string) {
	fmt.Fprintf(p.out, "%s for %s", text.Plural(uint64(c.Matched), "stored event"), handler)
	if c.Matched > 0 {
		fmt.Fprintf(p.out, ", from %s to %s", p.clock(c.Oldest), p.clock(c.Newest))
	}
	fmt.Fprintln(p.out, "; those that it does not want, or that wait for it anyway, are left out.")
	p.damaged(c.Damaged)
}
