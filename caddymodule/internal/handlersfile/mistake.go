package handlersfile

import (
	"errors"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// AtStart returns what a process that starts goes on with, mistakes or not: the handlers of all blocks in the order of
// the files, of which those with a mistake say so. A mistake that cannot be laid to one handler, such as a brace too
// few, is returned alone: which handlers the files mean is not known then.
func (f *File) AtStart() ([]Definition, error) {
	if err := f.Error(f.general); err != nil {
		return nil, err
	}
	return f.blocks, nil
}

// Mistaken returns the definition of a handler that cannot run, so that its events wait.
func Mistaken(name string, why error) Definition {
	return Definition{
		Name:        name,
		Order:       DefaultOrder,
		Concurrency: DefaultConcurrency,
		Timeout:     DefaultTimeout,
		Retry:       Retry{MaxAttempts: DefaultMaxAttempts, MinDelay: DefaultMinDelay, MaxDelay: DefaultMaxDelay},
		Breaker:     Breaker{Failures: DefaultFailures, Cooldown: DefaultCooldown},
		Batch:       Batch{MaxEvents: DefaultMaxEvents, MaxWait: DefaultMaxWait},
		Stale:       DefaultStale,
		Config:      hcl.EmptyBody(),
		Mistake:     why,
		// Not that of any definition without a mistake, so that a reload replaces it.
		Fingerprint: "mistaken: " + why.Error(),
	}
}

// WithMistake returns the definition as one that cannot run, for a reason that was found later.
func (d *Definition) WithMistake(why error) Definition {
	down := Mistaken(d.Name, why)
	down.Range, down.Start = d.Range, d.Start
	return down
}

// keep notes a block for AtStart, with what was found in it.
func (l *loader) keep(d *Definition, found hcl.Diagnostics) {
	why := (*File)(nil).Error(tidy(slices.Clone(found), nil))
	if why != nil && !validName(d.Name) {
		l.general = append(l.general, found...)
		return
	}
	same := slices.IndexFunc(l.blocks, func(b Definition) bool { return b.Name == d.Name })
	switch {
	case same >= 0:
		// Which of the two is meant is not known.
		first := &l.blocks[same]
		*first = first.WithMistake(errors.Join(first.Mistake, why))
	case why != nil:
		l.blocks = append(l.blocks, d.WithMistake(why))
	default:
		l.blocks = append(l.blocks, *d)
	}
}
