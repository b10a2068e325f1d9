package sdk

import "context"

// Handler handles one event. It may be called concurrently. ctx ends at the timeout that the handlers file sets for the
// handler. The package documentation says what each error means.
type Handler func(ctx context.Context, e *Event) error

// BatchHandler handles several events in one call: at least one, at most as many as [WithMaxBatch] says, those of one
// vehicle in order. It returns nil when all of them are done, else one error per event, in the order of the events, nil
// for those that are done. The errors mean what they mean for a [Handler]. A slice of another length retries the whole
// batch.
type BatchHandler func(ctx context.Context, events []*Event) []error

// FailAll gives what a [BatchHandler] returns when all n events of a batch failed for one reason. It returns nil when
// err is nil.
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
