package http

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// clients make the client for each request: one for all, until a file of the block tls changes.
type clients struct {
	config config

	mu     sync.Mutex
	client *http.Client
	files  stamps // of the files that were read last, whether they could be used or not
}

// newClients reads the files of the block tls. Its errors point at what names them.
func newClients(ctx context.Context, c config) (*clients, error) {
	files := c.TLS.stamps()
	read, wrong := c.TLS.read()
	if len(wrong) > 0 {
		var errs []error
		for _, w := range wrong {
			errs = append(errs, sdk.ConfigError("tls."+w.attribute, w.summary, w.detail))
		}
		return nil, errors.Join(errs...)
	}
	warn(ctx, read)
	return &clients{config: c, client: newClient(c, read), files: files}, nil
}

func newClient(c config, m *material) *http.Client {
	return &http.Client{
		Transport: newTransport(c, c.TLS.config(m)),
		// A redirected POST loses its body or goes to a stranger.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// current returns the client to use now. Where renewed files cannot be used, that is the one of before: a certificate
// may have been written while its key has not.
func (s *clients) current(ctx context.Context) *http.Client {
	if s.config.TLS == nil {
		return s.client
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.config.TLS.stamps()
	if files.equal(s.files) {
		return s.client
	}
	s.files = files
	read, wrong := s.config.TLS.read()
	for _, w := range wrong {
		sdk.Logger(ctx).Warn("a TLS file has changed and cannot be used; what was read before stays in use",
			"attribute", w.attribute, "detail", w.detail)
	}
	if len(wrong) > 0 {
		return s.client
	}
	warn(ctx, read)
	sdk.Logger(ctx).Info("TLS files have changed and are in use")
	s.client.CloseIdleConnections()
	s.client = newClient(s.config, read)
	return s.client
}

// warn logs what is odd about files that can be used.
func warn(ctx context.Context, m *material) {
	for _, remark := range m.remarks() {
		sdk.Logger(ctx).Warn(remark.summary, "attribute", remark.attribute, "detail", remark.detail)
	}
}

func (s *clients) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client.CloseIdleConnections()
}
