package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// watch waits until inst's process is gone, one way or the other, notes why, and
// cleans up after it.
func (p *Plugin) watch(inst *instance) {
	defer close(inst.watched)
	life, gone := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { p.followConditions(life, inst) })
	why := p.waitForEnd(inst)
	gone()
	following.Wait()
	if inst.closing.Load() {
		p.lost(inst, nil)
		close(inst.exitKnown)
	} else {
		p.lost(inst, why)
		inst.crash = inst.crashed(why)
		// Now, so that a call that learns of it finds the process gone when it asks Ready.
		close(inst.exitKnown)
		p.log.Error("plugin is gone", "error", why, "up_for", time.Since(inst.since).Round(time.Millisecond))
	}
	inst.finish()
}

// waitForEnd returns how the process has ended. It kills a process that does not answer.
func (p *Plugin) waitForEnd(inst *instance) *exitReport {
	tick := time.NewTicker(p.t.healthEvery)
	defer tick.Stop()
	misses := 0
	for {
		select {
		case <-inst.proc.exited:
			return inst.proc.explainEnd()
		case <-tick.C:
		}
		err := p.checkHealth(inst)
		if err == nil || inst.closing.Load() || inst.proc.isGone() {
			misses = 0
			continue
		}
		misses++
		p.log.Warn("plugin missed a health check", "error", err, "missed", misses, "killed_at", p.t.healthMisses)
		if misses < p.t.healthMisses {
			continue
		}
		inst.proc.kill()
		<-inst.proc.exited
		return inst.proc.withStderr(fmt.Errorf("plugin was killed because it missed %d health checks in a row: %w", misses, err))
	}
}

// checkHealth asks the process for a sign of life, unless it gave one just now: a
// plugin whose workers are all busy answers no health check, but it does answer
// calls.
func (p *Plugin) checkHealth(inst *instance) error {
	if time.Since(time.Unix(0, inst.heard.Load())) < p.t.healthEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.t.healthTimeout)
	defer cancel()
	resp, err := inst.health.Check(ctx, &healthpb.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	switch status.Code(err) {
	case codes.OK:
	case codes.Unimplemented, codes.NotFound:
		// It has no health service, but it did answer.
		inst.answered()
		return nil
	case codes.DeadlineExceeded:
		return fmt.Errorf("no answer within %v", p.t.healthTimeout)
	default:
		return errors.New(capText(err.Error()))
	}
	if s := resp.GetStatus(); s != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("it says %s", s)
	}
	inst.answered()
	return nil
}
