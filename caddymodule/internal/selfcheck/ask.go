package selfcheck

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// askTimeout is how long an answer is waited for.
const askTimeout = 5 * time.Second

// largestAnswer is more than the receiver's own has.
const largestAnswer = 4 << 10

// asker asks receivers.
type asker struct {
	nonces *Nonces
	config any
	// own keeps a connection of the asker's out of the counts, by its address at this end.
	own func(net.Addr)
}

// ask asks one target.
func (a *asker) ask(ctx context.Context, t Target) Result {
	r := Result{Target: t, At: time.Now()}
	if t.Unchecked != "" {
		r.State, r.Why = Unchecked, t.Unchecked
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	q := a.nonces.ask(r.At)
	status, data, err := a.post(ctx, t, q.nonce)
	by := a.nonces.end(q)
	if err != nil {
		return doubted(silent(r, err))
	}
	refused, proven := readAnswer(data, q.proof)
	switch {
	case by != nil && by.Config != a.config:
		r.State = Pending // the config before still answers
	case by != nil && by.Source != t.Source:
		r.State, r.Why = Elsewhere, "the receiver of source "+by.Source+" answers first"
		r.Do = "give each receiver a path or a host of its own"
	case by == nil && status == http.StatusUnauthorized && refusedBySignature(data):
		return doubted(unknown(r, status))
	case !proven || by == nil:
		return doubted(elsewhere(r, status))
	case refused != "":
		r.State = Refused
		r.Why, r.Do = refusal(refused)
	default:
		r.State = Reached
	}
	return r
}

// post sends a question, over a connection of its own.
func (a *asker) post(ctx context.Context, t Target, nonce string) (status int, data []byte, err error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, t.Network, t.Address)
			if err == nil {
				a.own(conn.LocalAddr())
			}
			return conn, err
		},
		// The proof is in the answer; a certificate may be one for tests, or still on its way.
		TLSClientConfig:   &tls.Config{ServerName: t.serverName(), InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "caddy-smartcar self-check")
	r.Header[SignatureHeader] = []string{bodySignature}
	r.Header.Set(header, cookieName+nonce)
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	data, err = io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	return response.StatusCode, data, err
}

// doubted takes back what a request of this kind cannot tell.
func doubted(r Result) Result {
	if r.Doubt != "" && r.State.Fails() && !nothingListens(r.err) {
		r.State, r.Why, r.Do = Unchecked, r.Doubt+" ("+r.Why+")", ""
	}
	return r
}
