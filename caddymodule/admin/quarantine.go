package admin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
)

// serveQuarantine lists the refused requests that are kept, the oldest first.
func serveQuarantine(q *request) (any, error) {
	var pick quarantine.Pick
	var err error
	if pick.Source, err = q.query.one("source"); err != nil {
		return nil, err
	}
	limit, err := q.query.limit()
	if err != nil {
		return nil, err
	}
	after, err := q.query.cursor(quarantineCursor)
	if err != nil {
		return nil, err
	}
	list, next, err := q.Quarantine.List(q.Context(), pick, after, limit)
	if err != nil {
		return nil, quarantineError("", err)
	}
	answer := api.Page[api.Quarantined]{Items: make([]api.Quarantined, 0, len(list))}
	for i := range list {
		answer.Items = append(answer.Items, viewQuarantined(&list[i]))
	}
	if next != "" {
		answer.NextCursor = makeCursor(quarantineCursor, next)
	}
	return answer, nil
}

// serveQuarantined shows one with all that came.
func serveQuarantined(q *request) (any, error) {
	id := q.PathValue("id")
	d, err := q.Quarantine.Show(q.Context(), id)
	if err != nil {
		return nil, quarantineError(id, err)
	}
	return api.QuarantinedDetail{
		Quarantined: viewQuarantined(&d.Kept), ContentType: d.ContentType, Signature: d.Signature, Body: d.Body,
	}, nil
}

// releaseQuarantined stores the events of what verifies now.
func releaseQuarantined(q *request) (any, error) {
	var order api.QuarantineRelease
	if err := decodeBody(q.Request, &order); err != nil {
		return nil, err
	}
	pick := quarantine.Pick{IDs: order.IDs, Source: order.Source}
	if err := checkAllQuarantined(pick, order.All); err != nil {
		return nil, err
	}
	r, err := q.Quarantine.Release(q.Context(), pick, q.Engine, order.DryRun)
	if err != nil {
		if r.Stored+r.Duplicates > 0 {
			err = fmt.Errorf("%w (%d were stored before that, and %d were known; nothing is lost, release again)",
				err, r.Stored, r.Duplicates)
		}
		return nil, quarantineError("", err)
	}
	if r.Matched == 0 && len(pick.IDs) == 1 {
		return nil, quarantineError(pick.IDs[0], quarantine.ErrNotFound)
	}
	return api.QuarantineReleased{
		DryRun: order.DryRun, Matched: r.Matched, Verified: r.Verified, Unverified: r.Unverified, Stored: r.Stored,
		Unreadable: r.Unreadable, Duplicates: r.Duplicates, Differing: r.Differing, NoEvent: r.NoEvent, Gone: r.Gone,
	}, nil
}

// removeQuarantined deletes what the parameters pick, for good.
func removeQuarantined(q *request) (any, error) {
	var pick quarantine.Pick
	var err error
	if pick.Source, err = q.query.one("source"); err != nil {
		return nil, err
	}
	all, err := q.query.bool("all")
	if err != nil {
		return nil, err
	}
	pick.IDs = q.query["id"]
	if err := checkAllQuarantined(pick, all); err != nil {
		return nil, err
	}
	return removePicked(q, pick)
}

// removeOneQuarantined deletes one, for good.
func removeOneQuarantined(q *request) (any, error) {
	return removePicked(q, quarantine.Pick{IDs: []string{q.PathValue("id")}})
}

func removePicked(q *request, pick quarantine.Pick) (any, error) {
	dryRun, err := q.query.bool("dry_run")
	if err != nil {
		return nil, err
	}
	matched, removed, err := q.Quarantine.Remove(q.Context(), pick, dryRun)
	if err != nil {
		return nil, quarantineError("", err)
	}
	if matched == 0 && len(pick.IDs) == 1 {
		return nil, quarantineError(pick.IDs[0], quarantine.ErrNotFound)
	}
	return api.QuarantineRemoved{DryRun: dryRun, Matched: matched, Removed: removed}, nil
}

// checkAllQuarantined refuses a request about everything that does not say so.
func checkAllQuarantined(p quarantine.Pick, all bool) error {
	switch isAll := len(p.IDs) == 0 && p.Source == ""; {
	case isAll && !all:
		return apiErrorf(http.StatusBadRequest, "nothing is picked: give ids or a source, or say all=true")
	case !isAll && all:
		return apiErrorf(http.StatusBadRequest, "there are ids or a source, and all=true: give one of them")
	default:
		return nil
	}
}

// quarantineError gives an error its status.
func quarantineError(id string, err error) error {
	switch {
	case errors.Is(err, quarantine.ErrNotFound):
		return apiErrorf(http.StatusNotFound,
			"nothing is in the quarantine under the id %q: it may have been released, removed or displaced", id)
	case errors.Is(err, quarantine.ErrNone):
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	case errors.Is(err, quarantine.ErrNotReady):
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	return err
}

func viewQuarantined(k *quarantine.Kept) api.Quarantined {
	return api.Quarantined{
		ID: k.ID, Source: k.Source, Network: k.Network, ReceivedAt: k.ReceivedAt.UTC(), Code: k.Code, SizeBytes: k.Size,
		ClaimedEventID: k.EventID, ClaimedMode: k.Mode, Verifies: k.Token > 0, Token: k.Token,
	}
}
