package sdk

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// phase is where a server is in its life.
type phase int

const (
	fresh phase = iota
	opening
	ready
	stopping
)

// server answers the host for one plugin, from its start to its end.
type server struct {
	handlerv1.UnimplementedHandlerServiceServer

	plugin *Plugin
	log    *slog.Logger
	// stderr is that of the process, nil in a test, which shares its process.
	stderr *os.File
	// life ends when the plugin stops; the context passed to the author's open derives from it.
	life context.Context
	end  context.CancelFunc

	mu       sync.Mutex
	phase    phase
	instance *instance
	opened   opened
	inFlight int
	// idle is closed when the last call ends while stopping.
	idle chan struct{}
	// stopped is closed when the handler is closed; stopErr is the error of closing.
	stopped chan struct{}
	stopErr error
}

func newServer(p *Plugin, log *slog.Logger) *server {
	life, end := context.WithCancel(context.Background())
	return &server{
		plugin: p, log: log, life: life, end: end,
		idle: make(chan struct{}), stopped: make(chan struct{}),
	}
}

// Describe implements the protocol.
func (s *server) Describe(context.Context, *handlerv1.DescribeRequest) (*handlerv1.DescribeResponse, error) {
	return describeToWire(s.plugin), nil
}

// Configure implements the protocol. It opens the handler once; after a refused config it may be called again.
func (s *server) Configure(ctx context.Context, req *handlerv1.ConfigureRequest) (*handlerv1.ConfigureResponse, error) {
	s.mu.Lock()
	if s.phase != fresh {
		s.mu.Unlock()
		return nil, status.Error(codes.FailedPrecondition, "the handler is configured already or stopping")
	}
	s.phase = opening
	s.mu.Unlock()
	if s.stderr != nil {
		// What is written to go-plugin's own stderr passes through a goroutine and the connection, where the last words
		// of a program that exits would be lost.
		os.Stderr = s.stderr
	}

	inst := &instance{handler: req.GetHandler(), log: s.log, closers: slices.Clone(s.plugin.settings.onClose)}
	open, cancelOpen := context.WithCancel(context.WithValue(s.life, instanceKey{}, inst))
	detach := context.AfterFunc(ctx, cancelOpen)
	o, diags := s.plugin.open(open, req.GetConfigJson())
	detached := detach()
	failed := hasErrors(diags)

	s.mu.Lock()
	// Meanwhile Shutdown may have been called, or the host may have given up.
	giveUp := failed || !detached || s.phase != opening
	if !giveUp {
		s.phase, s.instance, s.opened = ready, inst, o
	} else if s.phase == opening {
		s.phase = fresh
	}
	s.mu.Unlock()
	if !giveUp {
		types, maxBatch := inst.late()
		return &handlerv1.ConfigureResponse{
			Diagnostics: diagnosticsToWire(diags), EventTypes: types, MaxBatch: uint32(maxBatch),
		}, nil
	}
	cancelOpen()
	if err := inst.close(ctx); err != nil {
		s.log.Warn("closing what a refused config had opened", "error", err)
	}
	if !failed {
		return nil, status.Error(codes.Canceled, "the handler was stopped while it was opening")
	}
	return &handlerv1.ConfigureResponse{Diagnostics: diagnosticsToWire(diags)}, nil
}

// Handle implements the protocol.
func (s *server) Handle(ctx context.Context, req *handlerv1.HandleRequest) (*handlerv1.HandleResponse, error) {
	o, inst, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave()
	results := o.run(ctx, inst, eventsFromWire(req.GetEvents()), s.maxBatch(inst))
	return &handlerv1.HandleResponse{Results: resultsToWire(results)}, nil
}

// maxBatch is how many events one call of a BatchHandler takes; the host may not know what was set late.
func (s *server) maxBatch(inst *instance) int {
	if _, n := inst.late(); n > 0 {
		return n
	}
	return s.plugin.settings.maxBatch
}

func (s *server) enter() (opened, *instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case ready:
		s.inFlight++
		return s.opened, s.instance, nil
	case stopping:
		return opened{}, nil, status.Error(codes.Unavailable, "the handler is stopping")
	}
	return opened{}, nil, status.Error(codes.FailedPrecondition, "the handler is not configured")
}

func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if s.phase == stopping && s.inFlight == 0 {
		close(s.idle)
	}
}

// Shutdown implements the protocol.
func (s *server) Shutdown(ctx context.Context, _ *handlerv1.ShutdownRequest) (*handlerv1.ShutdownResponse, error) {
	if err := s.Stop(ctx); err != nil {
		return nil, status.Error(codes.Internal, clip(err.Error()))
	}
	return &handlerv1.ShutdownResponse{}, nil
}

// Stop takes no more calls, waits for those in flight and closes the handler. Later calls wait for the first one.
func (s *server) Stop(ctx context.Context) error {
	s.mu.Lock()
	first := s.phase != stopping
	s.phase = stopping
	if first && s.inFlight == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	if !first {
		select {
		case <-s.stopped:
			return s.stopErr
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(s.stopped)
	drain, cancel := drainContext(ctx)
	defer cancel()
	select {
	case <-s.idle:
	case <-drain.Done():
		s.log.Warn("stopping with calls still in flight; their events will be delivered again")
	}
	s.end()
	if s.instance == nil {
		return nil
	}
	s.stopErr = s.instance.close(ctx)
	if s.stopErr != nil {
		s.log.Error("closing the handler failed", "error", s.stopErr)
	}
	return s.stopErr
}

// drainContext keeps the last fifth of the time for closing.
func drainContext(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/5))
}
