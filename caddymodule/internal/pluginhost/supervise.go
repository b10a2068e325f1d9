package pluginhost

import (
	"time"
)

// Supervise keeps the process up from now on: whenever it is not there, it is
// started again after a delay. It returns at once; Stop ends it. Call it after
// Start, whether that failed or not.
func (p *Plugin) Supervise() {
	p.superviseMu.Do(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.stopping {
			return
		}
		p.supervised = make(chan struct{})
		go p.supervise()
	})
}

func (p *Plugin) supervise() {
	defer close(p.supervised)
	wait := backoff{min: p.t.backoffMin, max: p.t.backoffMax}
	for {
		if inst := p.current(); inst != nil {
			select {
			case <-inst.watched:
			case <-p.life.Done():
				return
			}
			if time.Since(inst.since) >= p.t.backoffReset {
				wait.reset()
			}
			continue
		}
		delay := wait.next()
		p.log.Debug("starting plugin again", "in", delay.Round(time.Millisecond))
		if !p.pause(delay) {
			return
		}
		p.mu.Lock()
		p.state.Restarts++
		p.mu.Unlock()
		if err := p.Start(p.life); err != nil && p.life.Err() == nil {
			p.log.Error("plugin did not start; it will be tried again", "error", err)
		}
	}
}

// pause waits for d; false when Stop has begun.
func (p *Plugin) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.life.Done():
		return false
	}
}
