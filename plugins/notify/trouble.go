package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// The conditions that a handler reports: what becomes of a digest belongs to no event, since those are done by then.
const (
	digestRefused = "digest_refused"
	digestWaits   = "digest_waits"
)

// refusedStands is how long a refused digest is reported where no other is taken.
const refusedStands = 24 * time.Hour

// trouble is what the host is told of digests. Only the goroutine that sends digests uses it.
type trouble struct {
	report func(sdk.Condition)
	clear  func(name string)
	// until is when a refused digest is reported no more, zero where none is.
	until time.Time
}

// reportIn reports to the host of ctx.
func reportIn(ctx context.Context) trouble {
	return trouble{
		report: func(c sdk.Condition) { sdk.Report(ctx, c) },
		clear:  func(name string) { sdk.Clear(ctx, name) },
	}
}

// waits says that a digest waits for a target that is not ready.
func (t *trouble) waits(err error) {
	t.report(sdk.Condition{Name: digestWaits,
		Text:   fmt.Sprintf("a digest has to wait: %v", err),
		Advice: "get the target going, or correct it in this handler's config; the digest is tried again by itself",
	})
}

// refused says that a digest of so many groups is lost.
func (t *trouble) refused(now time.Time, groups []group, err error) {
	vehicles := 0
	for _, g := range groups {
		vehicles += g.Vehicles
	}
	t.until = now.Add(refusedStands)
	t.report(sdk.Condition{Name: digestRefused,
		Text: fmt.Sprintf("a digest with %s was refused, and is not sent again: %v", countOf(vehicles), err),
		Advice: "find out from the target why it takes no such message, and tell people another way: " +
			"caddy smartcar vehicles has what is open; it is over when the next digest is taken, or in 24h",
	})
}

// taken says that every target has a digest.
func (t *trouble) taken() {
	t.until = time.Time{}
	t.clear(digestRefused)
}

// forget ends what has been reported for long enough.
func (t *trouble) forget(now time.Time) {
	if !t.until.IsZero() && !now.Before(t.until) {
		t.taken()
	}
}
