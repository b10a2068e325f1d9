package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// conflictTries is how often a transaction is tried that others got in the way of.
const conflictTries = 3

// writer says which statements write events.
type writer interface {
	queue(batch *pgx.Batch, events []*sdk.Event)
	statements() []string
}

// store writes events in transactions.
type store struct {
	config  config
	pool    *pgxpool.Pool
	address string
	writer  writer

	// setup lets one call check the database, until it has been found right.
	setup sync.Mutex
	isSet atomic.Bool
	// proven is set once an event was written: then what the database refuses is an event's own, not the statement's.
	proven atomic.Bool
}

func newStore(c config, pool *pgxpool.Pool) *store {
	s := &store{config: c, pool: pool, address: address(pool), writer: &tables{config: c, now: time.Now}}
	if c.Statement != "" {
		s.writer = statement{c.Statement}
	}
	return s
}

// ready migrates and checks the database until both have succeeded once. The error is a *setupError or a *databaseError.
func (s *store) ready(ctx context.Context) error {
	if s.isSet.Load() {
		return nil
	}
	s.setup.Lock()
	defer s.setup.Unlock()
	if s.isSet.Load() {
		return nil
	}
	err := s.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return s.prepare(ctx, c.Conn()) })
	var wrong *setupError
	if errors.As(err, &wrong) {
		return wrong
	}
	if err != nil {
		found := describe("looking at the database", s.address, err)
		if name := nameable(s.pool); found.code() == noSuchDatabase && name != "" {
			found.text += ", database " + name
		}
		return found
	}
	s.isSet.Store(true)
	return nil
}

func (s *store) prepare(ctx context.Context, conn *pgx.Conn) error {
	if s.config.Statement != "" {
		return checkStatement(ctx, conn, s.config.Statement)
	}
	if s.config.Migrate {
		if err := migrateTables(ctx, conn, s.config); err != nil {
			return err
		}
	}
	return checkTables(ctx, conn, s.config, s.writer.statements())
}

// handle writes a batch in one transaction. If the database has something against one of the events, each is written
// in a transaction of its own, so that one cannot keep the others from being written.
func (s *store) handle(ctx context.Context, events []*sdk.Event) []error {
	ctx, cancel := sooner(ctx)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		return sdk.FailAll(len(events), sdk.Unavailable(err))
	}
	err := s.write(ctx, events)
	if err == nil {
		return nil
	}
	if len(events) == 1 || err.fault == faultOutage || err.fault == faultConflict {
		return sdk.FailAll(len(events), s.outcome(err))
	}
	return s.writeEach(ctx, events)
}

// sooner ends a little before ctx does: an answer that says why must still reach the host, for which a call without one
// counts as an attempt.
func sooner(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*9/10)
}

// writeEach keeps the order of a vehicle: after an event that has to come again, the later ones of it do too.
func (s *store) writeEach(ctx context.Context, events []*sdk.Event) []error {
	errs := make([]error, len(events))
	held := map[string]bool{}
	for i, e := range events {
		lane := laneOf(e)
		if held[lane] {
			errs[i] = sdk.Retry(0, errors.New("waits for an earlier event of the same vehicle"))
			continue
		}
		err := s.write(ctx, events[i:i+1])
		if err == nil {
			continue
		}
		if err.fault == faultOutage {
			copy(errs[i:], sdk.FailAll(len(events)-i, s.outcome(err)))
			return errs
		}
		errs[i] = s.outcome(err)
		held[lane] = sdk.ResultOf(errs[i]).Status != sdk.StatusReject
	}
	return errs
}

// laneOf is what events stay in order within, by the host's own rule.
func laneOf(e *sdk.Event) string {
	if e.VehicleID != "" {
		return "vehicle/" + e.VehicleID
	}
	return "webhook/" + e.WebhookID
}

// write writes events in one transaction. It returns nil once the database has committed it.
func (s *store) write(ctx context.Context, events []*sdk.Event) *databaseError {
	batch := &pgx.Batch{}
	s.writer.queue(batch, events)
	if batch.Len() == 0 {
		return nil
	}
	var found *databaseError
	for range conflictTries {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
		if err == nil {
			s.proven.Store(true)
			return nil
		}
		found = describe("writing", s.address, err)
		if found.fault != faultConflict {
			break
		}
	}
	return found
}

// outcome is what becomes of an event after an error.
func (s *store) outcome(err *databaseError) error {
	switch {
	case err.fault == faultOutage:
		return sdk.Unavailable(err)
	case err.fault == faultData && s.proven.Load():
		return sdk.Reject(fmt.Sprintf("sqlstate_%s", err.code()), err)
	}
	return sdk.Retry(0, err)
}
