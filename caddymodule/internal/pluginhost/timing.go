package pluginhost

import "time"

// timing holds every duration of a process's life, so that tests can shorten them.
type timing struct {
	// handshake bounds the time from the start to the handshake line.
	handshake time.Duration
	// describe and configure bound these calls. A Configure may open connections.
	describe, configure time.Duration
	// Every healthEvery the process must have answered something, else it is asked
	// and has healthTimeout; after healthMisses in a row it is killed.
	healthEvery, healthTimeout time.Duration
	healthMisses               int
	// Restarts wait backoffMin at first, twice as long each time up to backoffMax,
	// and backoffMin again once a process was up for backoffReset.
	backoffMin, backoffMax, backoffReset time.Duration
	// A plugin that ends the stream of its conditions is asked again after conditionsMin, and less often up to
	// conditionsMax.
	conditionsMin, conditionsMax time.Duration
	// shutdown bounds Stop when its ctx has no deadline.
	shutdown time.Duration
	// exit is the time a process has to end by itself after Shutdown has returned.
	exit time.Duration
	// crashWait is how long a call that broke off waits to learn how the process ended.
	crashWait time.Duration
}

func defaultTiming() timing {
	return timing{
		handshake:     10 * time.Second,
		describe:      5 * time.Second,
		configure:     15 * time.Second,
		healthEvery:   5 * time.Second,
		healthTimeout: 3 * time.Second,
		healthMisses:  3,
		backoffMin:    250 * time.Millisecond,
		backoffMax:    30 * time.Second,
		backoffReset:  time.Minute,
		conditionsMin: 10 * time.Second,
		conditionsMax: 10 * time.Minute,
		shutdown:      10 * time.Second,
		exit:          time.Second,
		crashWait:     time.Second,
	}
}
