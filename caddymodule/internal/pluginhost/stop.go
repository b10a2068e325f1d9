package pluginhost

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// Stop ends supervision and the process for good. New calls fail at once; the plugin is asked
// to finish those in flight and has until ctx ends (10 s if ctx has no deadline). Then it
// ends, or is killed with all processes of its group. The error says that it did not finish
// in time, or failed to. A second Stop waits for the first and returns its error.
func (p *Plugin) Stop(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.t.shutdown)
		defer cancel()
	}
	p.mu.Lock()
	if p.stopping {
		p.mu.Unlock()
		select {
		case <-p.stopped:
			return p.stopErr
		case <-ctx.Done():
			return fmt.Errorf("waiting for the plugin of handler %q to stop: %w", p.spec.Handler, ctx.Err())
		}
	}
	p.stopping = true
	inst := p.inst
	if inst != nil {
		inst.closing.Store(true)
		p.takeDown(inst)
	}
	supervised := p.supervised
	p.mu.Unlock()
	defer close(p.stopped)

	p.end()
	if supervised != nil {
		<-supervised
	}
	if inst != nil {
		p.stopErr = p.shutdown(ctx, inst)
		<-inst.watched
	}
	p.launching.Lock()
	defer p.launching.Unlock()
	if err := p.dir.remove(); err != nil {
		p.log.Warn("could not remove the plugin's runtime directory", "error", err)
	}
	return p.stopErr
}

// shutdown lets inst finish what is in flight and ends its process.
func (p *Plugin) shutdown(ctx context.Context, inst *instance) error {
	_, err := inst.handler.Shutdown(ctx, &handlerv1.ShutdownRequest{})
	if status.Code(err) == codes.Unimplemented {
		err = nil
	}
	// A plugin that says it is finished may still owe us answers.
	answered := make(chan struct{})
	go func() {
		inst.inflight.Wait()
		close(answered)
	}()
	select {
	case <-answered:
	case <-inst.proc.exited:
	case <-ctx.Done():
	}
	late := ctx.Err() != nil || status.Code(err) == codes.DeadlineExceeded

	exit, cancel := context.WithTimeout(ctx, p.t.exit)
	defer cancel()
	inst.quit(exit)
	<-answered

	switch {
	case late:
		err = fmt.Errorf("stopping plugin of handler %q: it did not finish in time and was killed", p.spec.Handler)
	case status.Code(err) == codes.Unavailable && inst.proc.endedAlone():
		err = fmt.Errorf("stopping plugin of handler %q: it ended before it had finished: %w", p.spec.Handler, inst.proc.explainEnd())
	case err != nil:
		err = fmt.Errorf("stopping plugin of handler %q: %s", p.spec.Handler, capText(status.Convert(err).Message()))
	}
	p.log.Info("plugin is stopped", "finished", err == nil)
	return err
}
