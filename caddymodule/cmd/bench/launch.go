package main

import (
	"context"
	"crypto/rand"
	"time"
)

// launch starts a Caddy with a receiver, a buffer that is bounded by nothing unless the
// site says so, and a token of its own.
func (b *bench) launch(ctx context.Context, of site) (*server, error) {
	if of.maxSize == "" {
		of.maxSize = unboundedText
	}
	if of.token == "" {
		of.token = rand.Text()
	}
	of.directive = receive
	return launchServer(ctx, b.opts.caddy, b.dir, of, b.cert)
}

// coldStart says how long it takes from the start of a process to the first 200 when the
// buffer's files are not in memory; 0: they cannot be taken out of it here.
func (b *bench) coldStart(ctx context.Context, of site) (time.Duration, error) {
	cold, err := forgetFiles(of.buffer)
	if err != nil || !cold {
		return 0, err
	}
	s, _, first, err := b.launchAndAsk(ctx, of)
	s.stop()
	return first, err
}

// launchAndAsk also sends signed events until the first is answered with 200.
func (b *bench) launchAndAsk(ctx context.Context, of site) (s *server, bodies *bodyMaker, first time.Duration, err error) {
	of.token = rand.Text()
	if bodies, err = newBodyMaker(of.token, b.opts.size); err != nil {
		return nil, nil, 0, err
	}
	if s, err = b.launch(ctx, of); err != nil {
		return nil, nil, 0, err
	}
	if first, err = s.firstAnswer(ctx, bodies); err != nil {
		s.stop()
		return nil, nil, 0, err
	}
	return s, bodies, first, nil
}
