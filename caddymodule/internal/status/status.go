// Package status says how things stand: receiving, the buffer, each handler, and what needs
// attention.
package status

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// Make puts the status together.
func Make(
	now time.Time, s engine.Status, counts *traffic.Counters, watch *DeadLetterWatch, limits buffer.Limits,
	receivers Receivers,
) api.Status {
	v := api.Status{
		At:          now.UTC(),
		Since:       api.UTC(counts.Since),
		Receiving:   viewReceiving(s, counts.Outage.Current()),
		Downtime:    viewDowntime(counts.Downtime()),
		Sources:     viewSources(now, counts),
		Connections: counts.Connections.Snapshot(),
		Buffer:      viewBuffer(now, s.Buffer, limits),
		Handlers:    make([]api.Handler, 0, len(s.Handlers)),
		Removed:     make([]api.RemovedHandler, 0, len(s.Removed)),
		Replays:     Replays(s.Replays),
	}
	for i := range s.Handlers {
		v.Handlers = append(v.Handlers, Handler(now, &s.Handlers[i]))
	}
	for i := range s.Removed {
		c := &s.Removed[i]
		if c.OrphanedSince.IsZero() {
			v.Handlers = append(v.Handlers, viewIdle(now, c, s.Receiving))
			continue
		}
		v.Removed = append(v.Removed, viewRemoved(now, c))
	}
	receivers.addTo(&v)
	dead := watch.current()
	v.Attention = attention(&v, &s, &dead, counts, receivers)
	v.Healthy = len(v.Attention) == 0
	v.Notices = slices.Concat(folderNotices(&s.Buffer), damagedNotices(v.Buffer.Damaged), downtimeNotices(&v), tokenNotices(v.Sources))
	return v
}

// viewReceiving joins what the engine and the buffer know with what became of the last
// event.
func viewReceiving(s engine.Status, last traffic.Outage) api.Receiving {
	v := api.Receiving{State: string(s.Receiving)}
	v.Healthy = s.Receiving == engine.ReceivingOpen
	full := s.Buffer.Full
	switch {
	case !v.Healthy:
		if s.Error != nil {
			v.Why = s.Error.Error()
		}
		v.NextTry = api.UTC(s.NextTry)
	case full != nil:
		v.Healthy, v.State, v.Why = false, api.StateFull, full.Error()
	case errors.Is(last.Err, buffer.ErrFull):
		// There is room again, whether an event has come since or not.
		return v
	case !last.Since.IsZero():
		v.Healthy, v.Why = false, last.Err.Error()
	default:
		return v
	}
	v.Since = api.UTC(last.Since)
	if !s.Since.IsZero() {
		v.Since = api.UTC(s.Since)
	}
	return v
}

func viewSources(now time.Time, counts *traffic.Counters) []api.Source {
	views := []api.Source{}
	for _, name := range counts.Names() {
		s := counts.Source(name)
		v := api.Source{Name: name, SourceCounts: s.Snapshot(), Loss: viewLoss(s.Loss.Loss())}
		v.Live, v.Tokens = viewLive(now, s.Live()), viewTokens(now, counts.TokenUses(name))
		v.Live.AllRefused = isLiveRefused(now, &v)
		views = append(views, v)
	}
	return views
}

func viewBuffer(now time.Time, s buffer.Stats, limits buffer.Limits) api.Buffer {
	v := api.Buffer{
		Path:          s.Path,
		FirstPosition: s.First, LastPosition: s.Last,
		Bytes: s.Bytes, LimitBytes: limits.MaxSize, DiskBytes: s.DiskBytes, DeadLetters: s.DeadLetters,
		Appended: s.Appended, Duplicates: s.Duplicates, Corrupt: s.Corrupt, Syncs: s.Syncs,
		Unreadable: s.Unreadable, Conflicts: s.Conflicts, Oldest: api.UTC(s.Oldest), HeadroomBytes: s.Room,
		FileSystem: s.FileSystem, SyncMedian: api.SecondsMicro(s.SyncMedian), SyncMax: api.SecondsMicro(s.SyncMax),
		ClockJump: api.Seconds(s.ClockJump.By), ClockSteadyIn: api.Seconds(s.ClockJump.Left),
		ControlLost: s.ControlLost,
	}
	if s.FolderMode != 0 {
		v.FolderMode = fmt.Sprintf("%04o", s.FolderMode)
	}
	for _, d := range s.Damaged {
		v.Damaged = append(v.Damaged, api.Damaged{What: string(d.What), Name: d.Name, Folder: d.Folder, At: api.UTC(d.At),
			Why: d.Why, RecoveredAt: api.UTC(d.RecoveredAt), Missing: d.Missing, Files: d.Files, Bytes: d.Bytes})
	}
	if !s.Oldest.IsZero() {
		v.OldestAge = api.Seconds(max(0, now.Sub(s.Oldest)))
	}
	if s.Last > 0 && s.Last >= s.First {
		v.Events = s.Last - s.First + 1
	}
	if limits.MaxSize > 0 {
		v.LimitShare = float64(s.Bytes) / float64(limits.MaxSize)
	}
	return v
}

// Handler describes one handler that the engine runs.
func Handler(now time.Time, h *engine.HandlerStatus) api.Handler {
	d := &h.Dispatch
	return api.Handler{
		Name:        h.Name,
		Place:       h.Place,
		State:       HandlerState(now, h),
		PausedSince: api.UTC(h.PausedSince),
		Plugin:      viewPlugin(now, h),
		Behind:      viewBehind(now, h.Waiting, h.Oldest),
		InFlight:    d.InFlight,
		Suspects:    d.Suspects,
		Retrying: api.Retrying{
			Lanes: d.WaitingLanes, Parked: d.ParkedLanes, Events: h.Consumer.Deferred, NextDue: api.UTC(d.NextDue),
		},
		Breaker: api.Breaker{
			State: string(d.Breaker.State), Since: api.UTC(d.Breaker.Since), Until: api.UTC(d.Breaker.Until), Why: d.Breaker.Why,
		},
		Counts: viewCounts(&d.Counts),
		Totals: &api.HandlerTotals{
			HandlerCounts: viewCounts(&h.Totals.Counts), Restarts: h.Totals.Restarts, Crashes: h.Totals.Crashes,
		},
		LastError:  handlerError(h),
		Conditions: viewConditions(h.Plugin.Conditions),
		Mistaken:   h.Mistaken,
		Bundled:    h.Bundled,
	}
}

func viewCounts(c *dispatch.Counts) api.HandlerCounts {
	return api.HandlerCounts{
		Delivered: c.Delivered, Skipped: c.Skipped, Retried: c.Retried,
		Dead: c.Dead, Rejected: c.Rejected, Exhausted: c.Exhausted, Poisoned: c.Poisoned, Expired: c.Expired,
		Replayed: c.Replayed, Stale: c.Stale, Future: c.Future, Downs: c.Downs,
	}
}

func viewPlugin(now time.Time, h *engine.HandlerStatus) api.Plugin {
	p := &h.Plugin
	v := api.Plugin{
		Program: h.Program, Name: p.PluginName, Version: p.Version, Up: p.Up, PID: p.PID, Since: api.UTC(p.Since),
		Restarts: p.Restarts, LastError: p.LastError,
	}
	if p.Up && !p.Since.IsZero() {
		v.UptimeSeconds = api.Seconds(now.Sub(p.Since))
	}
	return v
}

func viewBehind(now time.Time, events uint64, oldest time.Time) api.Behind {
	v := api.Behind{Events: events, Oldest: api.UTC(oldest)}
	if !oldest.IsZero() {
		v.Seconds = api.Seconds(max(0, now.Sub(oldest)))
	}
	return v
}

func viewRemoved(now time.Time, c *buffer.ConsumerInfo) api.RemovedHandler {
	v := api.RemovedHandler{
		Name:        c.Name,
		State:       api.StateRemoved,
		Behind:      viewBehind(now, c.Waiting(), c.Oldest),
		RemovedAt:   api.UTC(c.OrphanedSince),
		PausedSince: api.UTC(c.PausedSince),
	}
	v.LetGoAt = api.UTC(c.LetGoAt)
	return v
}

// viewIdle is a handler that the buffer knows and nobody has removed: it is not at work
// yet, or no more.
func viewIdle(now time.Time, c *buffer.ConsumerInfo, receiving engine.Receiving) api.Handler {
	v := api.Handler{
		Name: c.Name, State: api.StateStarting, PausedSince: api.UTC(c.PausedSince),
		Behind:   viewBehind(now, c.Waiting(), c.Oldest),
		Retrying: api.Retrying{Events: c.Deferred},
	}
	if receiving == engine.ReceivingClosed {
		v.State = api.StateStopping
	}
	return v
}

// HandlerState returns the state of a handler in one word: of several that apply, the most urgent.
func HandlerState(now time.Time, h *engine.HandlerStatus) string {
	d := &h.Dispatch
	switch {
	case h.Starting: // also one that is paused: nobody can resume it yet
		return api.StateStarting
	case !h.PausedSince.IsZero() || d.Paused:
		if d.InFlight > 0 {
			return "draining"
		}
		return "paused"
	case !h.Plugin.Up:
		return "down"
	case h.Error != nil || d.StoreError != "":
		return "failing"
	case d.Breaker.State == dispatch.BreakerOpen:
		return "breaker-open"
	case d.Breaker.State == dispatch.BreakerHalfOpen:
		return "probing"
	case d.WaitingLanes > 0 && d.NextDue.After(now):
		return "waiting"
	default:
		return "ok"
	}
}

// handlerError returns what is wrong now, also with the events that wait for another attempt; "" if nothing is.
func handlerError(h *engine.HandlerStatus) string {
	switch {
	case h.Error != nil:
		return h.Error.Error()
	case h.Dispatch.StoreError != "":
		return h.Dispatch.StoreError
	case !h.Plugin.Up:
		return h.Plugin.LastError
	default:
		return cmp.Or(h.Dispatch.Breaker.Reported, h.Dispatch.Breaker.Why, h.Dispatch.RetryError)
	}
}
