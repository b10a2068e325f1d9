package dispatch

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// The bounds of the newest readings that stay in memory: 20,000 vehicles with 12 signals,
// or 2,900 with 90.
const (
	maxKnown  = 16 << 20
	tableCost = 300 // bytes of a vehicle
	entryCost = 60  // bytes of a signal, with half of the room that a slice grows by
)

// tables are the newest readings of vehicles, as many as stay in memory. The scheduler
// owns the set. What is in a table is shared with calls, so it has a lock of its own.
type tables struct {
	mode freshness.Mode
	// size is about what they take in memory, in bytes, and most what they may.
	size, most int
	byKey      map[string]*list.Element
	recent     *list.List // of *table, the last used in front
	// durable is the outbox sequence up to which all is.
	durable func() uint64
}

// table is one vehicle's newest readings, those that are not durable yet included.
type table struct {
	key string
	// users counts the calls that have it; put is the outbox sequence of its last memo. It
	// stays in memory while it has users or its memo is not durable, because it could not
	// be read back as it is.
	users int
	put   uint64
	// size is the part of tables.size that it was last seen to take.
	size int

	mu    sync.Mutex
	known *freshness.Table // nil until it was read
}

// judgement is the freshness of one delivery.
type judgement struct {
	table   *table // nil: nothing to judge
	mode    freshness.Mode
	reading freshness.Reading
	readable,
	replay bool
	// stale and future count signals that are.
	stale, future int
	// unneeded: nothing is left of the event, so the handler does not get it.
	unneeded bool
}

// on reports whether freshness is checked.
func (t *tables) on() bool { return t.mode == freshness.Mark || t.mode == freshness.Drop }

// pick returns the tables for a call's events; nil if there is nothing to judge.
func (t *tables) pick(items []*item) []judgement {
	if !t.on() {
		return nil
	}
	judged := make([]judgement, len(items))
	for i, it := range items {
		if it.event.VehicleID == "" || it.event.Type != "VEHICLE_STATE" {
			continue
		}
		judged[i] = judgement{table: t.get(freshKey(&it.event)), mode: t.mode, replay: it.retry.Replay != ""}
	}
	return judged
}

// get returns the table of a key, and evicts some that were not used for long.
func (t *tables) get(key string) *table {
	if e, ok := t.byKey[key]; ok {
		t.recent.MoveToFront(e)
		tb := e.Value.(*table)
		tb.users++
		return tb
	}
	t.evict()
	tb := &table{key: key, users: 1, size: tableCost}
	t.size += tableCost
	t.byKey[key] = t.recent.PushFront(tb)
	return tb
}

// evict makes room for one more, if one of the oldest can go.
func (t *tables) evict() {
	durable := t.durable()
	e := t.recent.Back()
	for tried := 0; e != nil && t.size > t.most && tried < 16; tried++ {
		tb, before := e.Value.(*table), e.Prev()
		if tb.users == 0 && tb.put <= durable {
			t.recent.Remove(e)
			delete(t.byKey, tb.key)
			t.size -= tb.size
		} else {
			t.recent.MoveToFront(e)
		}
		e = before
	}
}

// judge reads the event, finds out what is stale, and cuts it out if asked to. It runs in
// the call's goroutine. What cannot be read or looked up is delivered as it is.
func (j *judgement) judge(ctx context.Context, d *Dispatcher, del *Delivery) {
	if j.table == nil {
		return
	}
	if j.reading, j.readable = freshness.Read(del.Event.Body, del.Event.ReceivedAt); !j.readable {
		return
	}
	del.Stale = j.table.stale(ctx, d, j.reading, j.replay)
	j.stale, j.future = len(del.Stale), j.reading.Future()
	if j.stale == 0 || j.mode != freshness.Drop {
		return
	}
	cut, left := freshness.Cut(del.Event.Body, j.reading, del.Stale)
	if left == 0 {
		j.unneeded = true
		return
	}
	e := *del.Event
	e.Body, e.Signature = cut, "" // the signature is of the whole body
	del.Event = &e
}

// stale returns the codes of stale signals, reading the table first if need be.
func (t *table) stale(ctx context.Context, d *Dispatcher, r freshness.Reading, replay bool) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		raw, err := d.consumer.Memo(ctx, t.key)
		if err != nil {
			d.cfg.Log.Debug("cannot look up what is stale: the event is delivered without", "error", err)
			return nil
		}
		if t.known, err = freshness.Decode(raw); err != nil {
			d.cfg.Log.Error("what is known of a vehicle's signals cannot be read: it is learned again", "error", err)
			t.known = new(freshness.Table)
		}
	}
	return t.known.Stale(r, replay, time.Now())
}

// countSignals counts what was found out about the signals of an event that is finished.
func (d *Dispatcher) countSignals(j *judgement) {
	d.counts.Stale += uint64(j.stale)
	d.counts.Future += uint64(j.future)
}

// retain keeps the table beyond the call, until release.
func (j *judgement) retain() {
	if j.table != nil {
		j.table.users++
	}
}

// release ends the use of the table, and records how large it has become.
func (t *tables) release(j *judgement) {
	if j.table == nil {
		return
	}
	j.table.users--
	size := j.table.weigh()
	t.size += size - j.table.size
	j.table.size = size
}

// weigh returns about what a table takes in memory, in bytes.
func (t *table) weigh() int {
	if !t.mu.TryLock() {
		return t.size // another call reads it, maybe from the disk
	}
	defer t.mu.Unlock()
	if t.known == nil {
		return tableCost
	}
	return tableCost + entryCost*t.known.Len()
}

// memo returns what becomes durable with the event; nil when nothing is new, as in a replay.
func (j *judgement) memo(d *Dispatcher) *buffer.Memo {
	if j.table == nil || !j.readable || j.replay {
		return nil
	}
	t := j.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || !t.known.Merge(j.reading, time.Now()) {
		return nil
	}
	t.put = d.outbox.put + 1
	return &buffer.Memo{Key: t.key, Value: t.known.Append(nil)}
}

// freshPrefix begins the keys of all memos of this kind.
const freshPrefix = "fresh/"

// freshKey names the memo of an event's vehicle; a digest takes the place of ids that
// no real vehicle has. Invented readings, as those of TEST, are apart from real ones.
func freshKey(e *buffer.Event) string {
	key := freshPrefix + url.PathEscape(e.Source)
	if mode := strings.ToUpper(e.Mode); mode != "" && mode != "LIVE" { // older events have none
		key += "?" + url.PathEscape(mode)
	}
	key += "/" + e.VehicleID
	if len(key) <= maxLaneName {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return freshPrefix + "long/" + hex.EncodeToString(sum[:])
}

func newTables(mode freshness.Mode, durable func() uint64) tables {
	return tables{mode: mode, most: maxKnown, byKey: map[string]*list.Element{}, recent: list.New(), durable: durable}
}
