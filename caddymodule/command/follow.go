package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	followEvery = time.Second
	// followPatience is how long Caddy may be away while a replay is followed: it is
	// durable, so a restart is no reason to stop.
	followPatience = 30 * time.Second
)

// begun prints which replays have begun, and follows them to their end.
func (p *printer) begun(ctx context.Context, c *api.Client, jobs []api.Replay, detach bool) error {
	if len(jobs) == 0 {
		return nil
	}
	for _, j := range jobs {
		fmt.Fprintf(p.out, "Replay %s to %s has begun.\n", j.ID, j.Handler)
	}
	if detach {
		fmt.Fprintln(p.out, "To see how far it is: "+p.command("caddy smartcar replay list"))
		return nil
	}
	var errs []error
	for _, j := range jobs {
		errs = append(errs, p.follow(ctx, c, j))
	}
	return errors.Join(errs...)
}

// follow prints a line whenever a replay has got further, until it has ended.
func (p *printer) follow(ctx context.Context, c *api.Client, job api.Replay) error {
	asked := *c
	asked.Timeout = min(asked.Timeout, followPatience)
	c = &asked
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	last, heard := "", time.Now()
	for {
		var now api.Replay
		_, err := c.Call(http.MethodGet, "replays/"+url.PathEscape(job.ID), nil, nil, &now)
		switch {
		case err == nil:
			job, heard = now, time.Now()
		case api.IsNotFound(err) || time.Since(heard) > followPatience:
			return fmt.Errorf("following replay %s, which goes on without: %w", job.ID, err)
		}
		if line := replayLine(job); line != last {
			fmt.Fprintln(p.out, line)
			last = line
		}
		switch job.State {
		case "running":
		case "done":
			return nil
		default:
			return fmt.Errorf("replay %s is %s; to go on: %s", job.ID, text.Because(job.State, job.Error),
				p.command("caddy smartcar replay resume "+job.ID))
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(p.out, "Replay %s goes on. To stop it: %s\n", job.ID, p.command("caddy smartcar replay stop "+job.ID))
			return nil
		case <-ticker.C:
		}
	}
}

// replayLine is one replay on one line.
func replayLine(r api.Replay) string {
	line := fmt.Sprintf("%s to %s: %s, %s, %s put back", r.ID, r.Handler, r.State, text.Share(r.Share), text.Count(r.Fed))
	for _, part := range []struct {
		n    uint64
		what string
	}{{r.Unwanted, "not wanted"}, {r.Open, "waiting anyway"}, {r.Damaged, "damaged"},
		{r.Gone, "taken by another replay or dropped"}} {
		if part.n > 0 {
			line += fmt.Sprintf(", %s %s", text.Count(part.n), part.what)
		}
	}
	return line
}

func replayListCommand() *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:          "list",
		Short:        "Lists replays: those that run, were stopped, failed, or ended lately",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			var found api.Page[api.Replay]
			raw, err := c.Call(http.MethodGet, "replays", nil, nil, &found)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			return p.replays(found.Items)
		},
	}
	f.register(cmd)
	return cmd
}

func (p printer) replays(list []api.Replay) error {
	if len(list) == 0 {
		fmt.Fprintln(p.out, "There is no replay.")
		return nil
	}
	rows := make([]string, 0, len(list))
	for _, r := range list {
		rows = append(rows, cells(r.ID, r.Handler, r.Kind, text.Because(r.State, p.fit(firstLine(r.Error), screen/2)),
			text.Share(r.Share), text.Count(r.Fed), fmt.Sprint(r.Rate), p.clock(r.CreatedAt)))
	}
	err := p.table("ID\tHANDLER\tKIND\tSTATE\tDONE\tPUT BACK\tRATE\tCREATED", rows)
	for _, r := range list {
		p.whole("Error of "+r.ID, r.Error, screen/2)
	}
	return err
}

// replayOrderCommand stops or resumes a replay.
func replayOrderCommand(name, what string, tell func(*printer, *api.Replay)) *cobra.Command {
	var f adminFlags
	cmd := &cobra.Command{
		Use:          name + " ID",
		Short:        what,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newPrinter(cmd)
			c, err := f.client()
			if err != nil {
				return err
			}
			var r api.Replay
			raw, err := c.Call(http.MethodPost, "replays/"+url.PathEscape(args[0])+"/"+name, nil, nil, &r)
			if f.json || err != nil {
				return p.raw(raw, err)
			}
			tell(&p, &r)
			return nil
		},
	}
	f.register(cmd)
	return cmd
}

func (p *printer) stopped(r *api.Replay) {
	fmt.Fprintln(p.out, replayLine(*r))
	if r.State == "stopped" {
		fmt.Fprintf(p.out, "What it has put back is delivered all the same. To go on: %s\n",
			p.command("caddy smartcar replay resume "+r.ID))
	}
}

func (p *printer) resumed(r *api.Replay) { fmt.Fprintln(p.out, replayLine(*r)) }
