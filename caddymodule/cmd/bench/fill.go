package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// appenders is how many events are stored at once: more than connections bring in, so that
// more of them share a sync and filling takes less time.
const appenders = 256

// unbounded is a max_size that no run reaches: what is to be stored must not be trimmed.
const unbounded = 1 << 40

const unboundedText = "1TiB"

// fill stores events of a fleet in a disk buffer, new or not, the way the receiver does.
// Each vehicle's readings grow younger, as real ones do. then, if it is not nil, is called
// with the buffer before it is closed.
func fill(ctx context.Context, path string, events, vehicles, size int, then func(buffer.Buffer) error) error {
	return fillWith(ctx, path, events, vehicles, size, smartcar.Sample.VehicleState, then)
}

// fillWith is fill with events of another type.
func fillWith(
	ctx context.Context, path string, events, vehicles, size int, body func(smartcar.Sample) []byte,
	then func(buffer.Buffer) error,
) error {
	b, err := disk.Open(ctx, disk.Options{Path: path, Limits: disk.Limits{MaxSize: unbounded}})
	if err != nil {
		return fmt.Errorf("making the buffer to fill: %w", err)
	}
	fleet := make([]string, vehicles)
	for i := range fleet {
		fleet[i] = uuid.NewString()
	}
	token, begun := uuid.NewString(), time.Now().Add(-24*time.Hour) // room for 86 million readings, none in the future
	errs := make([]error, appenders)
	var wg sync.WaitGroup
	for worker := range appenders {
		wg.Go(func() {
			for i := worker; i < events && errs[worker] == nil; i += appenders {
				errs[worker] = appendEvent(ctx, b, token, vary(body(smartcar.Sample{
					EventID: uuid.NewString(), VehicleID: fleet[i%vehicles], Mode: smartcar.ModeLive, Size: size,
					RecordedAt: begun.Add(time.Duration(i) * time.Millisecond), DeliveredAt: time.Now(),
				})))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err == nil && then != nil {
		errs = append(errs, then(b))
	}
	errs = append(errs, b.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("filling the buffer: %w", err)
	}
	return nil
}

func appendEvent(ctx context.Context, b buffer.Buffer, token string, body []byte) error {
	envelope, err := smartcar.ParseEnvelope(body)
	if err != nil {
		return err
	}
	_, err = b.Append(ctx, &buffer.Event{
		Source: "default", ID: envelope.EventID, Type: envelope.EventType, Mode: envelope.Mode,
		VehicleID: envelope.VehicleID, UserID: envelope.UserID, WebhookID: envelope.WebhookID, DeliveryID: envelope.DeliveryID,
		ReceivedAt: time.Now(), Signature: smartcar.Sign(token, body), ContentType: "application/json",
		Digest: envelope.Digest, Body: body,
	})
	return err
}
