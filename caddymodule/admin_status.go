package caddymodule

import (
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// bufferLimits are the limits that a status is held against; zero where unknown.
type bufferLimits struct {
	maxSize   uint64
	retention time.Duration
}

// limitsOf knows the disk buffer; what another buffer is bounded by is not known here.
func limitsOf(opener buffer.Opener) bufferLimits {
	m, ok := opener.(*disk.Module)
	if !ok {
		return bufferLimits{}
	}
	l := bufferLimits{maxSize: disk.DefaultMaxSize, retention: disk.DefaultRetention}
	if m.MaxSize > 0 {
		l.maxSize = m.MaxSize
	}
	if m.Retention > 0 {
		l.retention = time.Duration(m.Retention)
	}
	return l
}

func serveStatus(q *adminRequest) (any, error) {
	return q.status(), nil
}

// status is how things stand now.
func (q *adminRequest) status() statusView {
	now := time.Now()
	s := q.Engine.Status(q.Context())
	if caddy.Exiting() {
		// Handlers have let go already, and the buffer follows.
		s.Receiving, s.Error = engine.ReceivingClosed, nil
	}
	if s.Receiving != engine.ReceivingClosed {
		q.DeadLetters.look(q.Context(), now, q.Engine, s.Buffer.DeadLetters, lettersSince(q.Buffer))
	}
	return makeStatus(now, s, q.Traffic, q.DeadLetters, limitsOf(q.Buffer))
}

// lettersSince knows the disk buffer's ids; nil for those of another buffer.
func lettersSince(opener buffer.Opener) func(time.Time) buffer.DeadLetterID {
	if _, ok := opener.(*disk.Module); ok {
		return disk.LetterTime
	}
	return nil
}

// makeStatus says how things stand.
func makeStatus(now time.Time, s engine.Status, counts *counters, watch *deathWatch, limits bufferLimits) statusView {
	v := statusView{
		At:          now.UTC(),
		Since:       utc(counts.since),
		Receiving:   viewReceiving(s, counts.trouble.current()),
		Sources:     viewSources(counts),
		Connections: counts.connections.snapshot(),
		Buffer:      viewBuffer(s.Buffer, limits),
		Handlers:    make([]handlerView, 0, len(s.Handlers)),
		Removed:     make([]removedView, 0, len(s.Removed)),
		Replays:     viewJobs(s.Replays),
	}
	for i := range s.Handlers {
		v.Handlers = append(v.Handlers, viewHandler(now, &s.Handlers[i]))
	}
	for i := range s.Removed {
		c := &s.Removed[i]
		if c.OrphanedSince.IsZero() {
			v.Handlers = append(v.Handlers, viewIdle(now, c, s.Receiving))
			continue
		}
		v.Removed = append(v.Removed, viewRemoved(now, c, limits))
	}
	dead := watch.current()
	v.Attention = attention(&v, s.Buffer.Full, &dead, s.Incomplete)
	v.Healthy = len(v.Attention) == 0
	return v
}

// stateFull is an addition to engine.Receiving: there is no room just now.
const stateFull = "full"

// viewReceiving joins what the engine and the buffer know with what became of the last
// event.
func viewReceiving(s engine.Status, last storeTrouble) receivingView {
	v := receivingView{Healthy: s.Receiving == engine.ReceivingOpen || s.Receiving == engine.ReceivingIdle, State: string(s.Receiving)}
	full := s.Buffer.Full
	switch {
	case !v.Healthy:
		if s.Error != nil {
			v.Why = s.Error.Error()
		}
	case full != nil:
		v.Healthy, v.State, v.Why = false, stateFull, full.Error()
	case errors.Is(last.err, buffer.ErrFull):
		// There is room again, whether an event has come since or not.
		return v
	case !last.since.IsZero():
		v.Healthy, v.Why = false, last.err.Error()
	default:
		return v
	}
	v.Since = utc(last.since)
	return v
}

func viewSources(counts *counters) []sourceView {
	views := []sourceView{}
	for _, name := range counts.names() {
		views = append(views, sourceView{Name: name, Counts: counts.source(name).snapshot()})
	}
	return views
}

func viewBuffer(s buffer.Stats, limits bufferLimits) bufferView {
	v := bufferView{
		FirstPosition: s.First, LastPosition: s.Last,
		Bytes: s.Bytes, LimitBytes: limits.maxSize, DeadLetters: s.DeadLetters,
		Appended: s.Appended, Duplicates: s.Duplicates, Corrupt: s.Corrupt, Syncs: s.Syncs,
		FileSystem: s.FileSystem, SyncMedian: seconds6(s.SyncMedian), SyncMax: seconds6(s.SyncMax),
	}
	if s.Last > 0 && s.Last >= s.First {
		v.Events = s.Last - s.First + 1
	}
	if limits.maxSize > 0 {
		v.LimitShare = float64(s.Bytes) / float64(limits.maxSize)
	}
	return v
}

func viewHandler(now time.Time, h *engine.HandlerStatus) handlerView {
	d := &h.Dispatch
	return handlerView{
		Name:        h.Name,
		Place:       h.Place,
		State:       handlerState(now, h),
		PausedSince: utc(h.PausedSince),
		Plugin:      viewPlugin(now, h.Plugin),
		Behind:      viewBehind(now, h.Waiting, h.Oldest),
		InFlight:    d.InFlight,
		Suspects:    d.Suspects,
		Retrying:    retryView{Lanes: d.WaitingLanes, Events: h.Consumer.Deferred, NextDue: utc(d.NextDue)},
		Breaker:     breakerView{State: string(d.Breaker.State), Since: utc(d.Breaker.Since), Until: utc(d.Breaker.Until), Why: d.Breaker.Why},
		Counts: countsView{
			Delivered: d.Delivered, Skipped: d.Skipped, Retried: d.Retried, Dead: d.Dead, Poisoned: d.Poisoned,
			Expired: d.Expired, Replayed: d.Replayed, Stale: d.Stale, Downs: d.Downs,
		},
		LastError: handlerError(h),
	}
}

func viewPlugin(now time.Time, p pluginhost.State) pluginView {
	v := pluginView{
		Name: p.PluginName, Version: p.Version, Up: p.Up, PID: p.PID, Since: utc(p.Since),
		Restarts: p.Restarts, LastError: p.LastError,
	}
	if p.Up && !p.Since.IsZero() {
		v.UptimeSeconds = seconds3(now.Sub(p.Since))
	}
	return v
}

func viewBehind(now time.Time, events uint64, oldest time.Time) behindView {
	v := behindView{Events: events, Oldest: utc(oldest)}
	if !oldest.IsZero() {
		v.Seconds = seconds3(max(0, now.Sub(oldest)))
	}
	return v
}

func viewRemoved(now time.Time, c *buffer.ConsumerInfo, limits bufferLimits) removedView {
	v := removedView{
		Name:        c.Name,
		State:       stateRemoved,
		Behind:      viewBehind(now, backlog(c), c.Oldest),
		RemovedAt:   utc(c.OrphanedSince),
		PausedSince: utc(c.PausedSince),
	}
	if limits.retention > 0 {
		v.LetGoAt = utc(c.OrphanedSince.Add(limits.retention))
	}
	return v
}

// backlog is what waits for a consumer that nobody has open.
func backlog(c *buffer.ConsumerInfo) uint64 {
	return c.Pending + uint64(max(0, c.Leased)) + c.Deferred
}

// What a handler is that is in no runner of the engine's.
const (
	stateRemoved  = "removed"
	stateStarting = "starting"
	stateStopping = "stopping"
)

// viewIdle is a handler that the buffer knows and nobody has removed: it is not at work
// yet, or no more.
func viewIdle(now time.Time, c *buffer.ConsumerInfo, receiving engine.Receiving) handlerView {
	v := handlerView{
		Name: c.Name, State: stateStarting, PausedSince: utc(c.PausedSince), Behind: viewBehind(now, backlog(c), c.Oldest),
		Retrying: retryView{Events: c.Deferred},
	}
	if receiving == engine.ReceivingClosed {
		v.State = stateStopping
	}
	return v
}

// handlerState is one word; of several that fit, the one that a person must know first.
func handlerState(now time.Time, h *engine.HandlerStatus) string {
	d := &h.Dispatch
	switch {
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

// handlerError is what is wrong now; when nothing is, there is none.
func handlerError(h *engine.HandlerStatus) string {
	switch {
	case h.Error != nil:
		return h.Error.Error()
	case h.Dispatch.StoreError != "":
		return h.Dispatch.StoreError
	case !h.Plugin.Up:
		return h.Plugin.LastError
	default:
		return h.Dispatch.Breaker.Why
	}
}

// utc keeps the zero time zero, so that omitzero leaves it out.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// seconds6 is a duration in seconds, to the microsecond: syncs are that short.
func seconds6(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

// seconds3 is a duration in seconds, to the millisecond.
func seconds3(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
