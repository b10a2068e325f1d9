package sdk

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// conditionsPause is how long it is at least between two messages to the host, which reads no faster.
const conditionsPause = 250 * time.Millisecond

// WatchConditions implements the protocol. It is no call in flight: Stop does not wait for it, but ends it.
func (s *server) WatchConditions(
	_ *handlerv1.WatchConditionsRequest, stream grpc.ServerStreamingServer[handlerv1.WatchConditionsResponse],
) error {
	s.mu.Lock()
	inst := s.instance
	s.mu.Unlock()
	if inst == nil {
		return status.Error(codes.FailedPrecondition, "the handler is not configured")
	}
	for {
		list, changed := inst.conditions.current()
		if err := stream.Send(conditionsToWire(list)); err != nil {
			return err
		}
		// First the pause, so that what changes meanwhile is one message.
		for _, next := range []<-chan struct{}{after(conditionsPause), changed} {
			select {
			case <-next:
			case <-stream.Context().Done():
				return nil
			case <-s.life.Done():
				return nil
			}
		}
	}
}

// after is closed when the time is over.
func after(d time.Duration) <-chan struct{} {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	return over
}
