// Package jsonl is the bundled plugin that appends events to a file, one JSON object a line. Its README describes the
// config and the lines.
package jsonl

import (
	"context"
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/internal/eventline"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// maxBatch events share one write and one fsync.
const maxBatch = 100

// Plugin is the plugin "jsonl".
func Plugin() *sdk.Plugin {
	return sdk.NewBatch("jsonl", open, sdk.WithMaxBatch(maxBatch))
}

func open(ctx context.Context, c config) (sdk.BatchHandler, error) {
	f, err := openFile(c, sdk.Logger(ctx))
	if err != nil {
		return nil, sdk.ConfigError("path", "The file cannot be opened", err.Error())
	}
	stopSyncing := func() {}
	if c.Sync == syncInterval {
		stopSyncing = syncEvery(f, c.Interval)
	}
	sdk.OnClose(ctx, func(context.Context) error {
		stopSyncing()
		return f.close()
	})
	return func(_ context.Context, events []*sdk.Event) []error {
		return write(f, events)
	}, nil
}

// write appends the batch as a whole. No event is done before all of them are as safe as the sync policy says. After an
// error some lines may be there twice, which readers recognize by event_id.
func write(f *file, events []*sdk.Event) []error {
	errs := make([]error, len(events))
	var lines []byte
	for i, e := range events {
		longer, err := eventline.Append(lines, e, eventline.Form{})
		if err != nil {
			errs[i] = sdk.Reject("unwritable", err)
			continue
		}
		lines = longer
		lines = append(lines, '\n')
	}
	err := f.append(lines)
	if err == nil {
		return errs
	}
	for i := range errs {
		if errs[i] == nil {
			errs[i] = outcome(err)
		}
	}
	return errs
}

// outcome is what becomes of an event that could not be written. The reason is never the event itself, so no attempt is
// counted.
func outcome(err error) error {
	if errors.Is(err, errClosed) {
		return err
	}
	return sdk.Unavailable(err)
}
