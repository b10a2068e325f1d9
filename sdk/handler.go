package sdk

import "context"

// Handler takes one event. It may be called many times at once. ctx ends at the
// handler's timeout of the handlers file. What the error means is told in the
// package's documentation.
type Handler func(ctx context.Context, e *Event) error

// BatchHandler takes several events in one call, at least one and at most as
// many as [WithMaxBatch] says. It returns nil when all of them are done, else one
// error per event, in the order of the events, nil for those that are done; what
// the errors mean is the same as for a [Handler]. A slice of another length is a
// retry of the whole batch. Events of one vehicle stand in order.
type BatchHandler func(ctx context.Context, events []*Event) []error

// FailAll is a [BatchHandler]'s answer when the whole batch of n events failed
// for one reason. It returns nil when err is nil.
func FailAll(n int, err error) []error {
	if err == nil {
		return nil
	}
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
