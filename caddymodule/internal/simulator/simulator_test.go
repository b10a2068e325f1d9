package simulator

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"

// receiver is a small one over TLS that keeps the rules: it checks the signature
// and answers plain challenges.
type receiver struct {
	*httptest.Server
	keys *smartcar.Keys

	mu          sync.Mutex
	connections int
	events      []smartcar.Envelope // the accepted ones
	sizes       map[int]int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	rc := &receiver{keys: smartcar.NewKeys(token), sizes: map[int]int{}}
	rc.Server = httptest.NewUnstartedServer(http.HandlerFunc(rc.serve))
	rc.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		rc.mu.Lock()
		defer rc.mu.Unlock()
		if state == http.StateNew {
			rc.connections++
		}
	}
	rc.Config.ErrorLog = log.New(io.Discard, "", 0) // requests that are cut off on purpose
	rc.StartTLS()
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	envelope, err := smartcar.ParseEnvelope(body)
	_, signed := rc.keys.Verify(body, r.Header.Get(smartcar.SignatureHeader))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	rc.mu.Lock()
	defer rc.mu.Unlock()
	switch {
	case envelope.IsVerify && !smartcar.PlainChallenge(envelope.Challenge):
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"challenge_refused"}`)
	case envelope.IsVerify:
		_, _ = w.Write(smartcar.AnswerBody(rc.keys.AnswerChallenge(envelope.Challenge)))
	case !signed || err != nil:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"signature_mismatch","message":"no"}`)
	default:
		rc.events = append(rc.events, envelope)
		rc.sizes[len(body)]++
		_, _ = io.WriteString(w, `{"status":"stored"}`)
	}
}

// tls trusts the receiver's certificate.
func (rc *receiver) tls() *tls.Config {
	return rc.Client().Transport.(*http.Transport).TLSClientConfig
}

func (rc *receiver) options() Options {
	return Options{URL: rc.URL + "/webhooks/smartcar", Token: token, TLS: rc.tls(), Seed: 1}
}

func run(t *testing.T, o Options) *Summary {
	t.Helper()
	s, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
