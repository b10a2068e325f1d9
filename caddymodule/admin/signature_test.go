package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/explain"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const signingToken = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"

// asking is a request about a signature, to a Caddy with one token.
func asking(t *testing.T, question any) *request {
	t.Helper()
	text, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/smartcar/signature/explain", strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	keys := new(keyring.Ring)
	keys.Add("production", smartcar.NewKeys(signingToken))
	return &request{Request: r, Running: app.Running{Keys: keys}, explaining: make(chan struct{}, 1)}
}

func TestExplainSignature(t *testing.T) {
	const body = `{"a": 1}`
	in64 := base64.StdEncoding.EncodeToString([]byte(body))
	for name, tt := range map[string]struct {
		question api.SignatureQuestion
		verdict  api.SignatureVerdict
	}{
		"right":    {api.SignatureQuestion{Source: "production", Body: in64, Signature: smartcar.Sign(signingToken, []byte(body))}, api.SignatureRight},
		"changed":  {api.SignatureQuestion{Body: in64, Signature: smartcar.Sign(signingToken, []byte(`{"a":1}`))}, api.SignatureChanged},
		"no match": {api.SignatureQuestion{Body: in64, Signature: smartcar.Sign("x", []byte(body))}, api.SignatureNoMatch},
		"empty":    {api.SignatureQuestion{Signature: smartcar.Sign(signingToken, nil)}, api.SignatureRight},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := explainSignature(asking(t, tt.question))
			if err != nil {
				t.Fatal(err)
			}
			e := answer.(*api.SignatureExplanation)
			if e.Verdict != tt.verdict || !e.Tried.Running || len(e.Tried.Tokens) != 1 {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestExplainSignatureRefuses(t *testing.T) {
	large := base64.StdEncoding.EncodeToString(make([]byte, explain.MaxBody+1))
	for name, tt := range map[string]struct {
		question any
		status   int
		words    string
	}{
		"no base64":      {api.SignatureQuestion{Body: "{"}, http.StatusBadRequest, "in base64"},
		"no such source": {api.SignatureQuestion{Source: "staging"}, http.StatusNotFound, `"staging": there are production`},
		"a large body":   {api.SignatureQuestion{Body: large}, http.StatusRequestEntityTooLarge, "at most"},
		"a larger one":   {api.SignatureQuestion{Body: large + large}, http.StatusRequestEntityTooLarge, "larger than"},
		"a token":        {map[string]string{"token": signingToken}, http.StatusBadRequest, "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := explainSignature(asking(t, tt.question))
			wantRefusal(t, err, tt.status, tt.words)
			if strings.Contains(err.Error(), signingToken) {
				t.Error("the token is in the error")
			}
		})
	}
}

// One signature is explained at a time, since that may take much memory. Who gives up waiting is let go.
func TestExplainsOneSignatureAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := asking(t, api.SignatureQuestion{Body: "e30=", Signature: smartcar.Sign(signingToken, []byte("{}"))})
		q.explaining <- struct{}{} // another one
		done := make(chan error, 1)
		go func() {
			_, err := explainSignature(q)
			done <- err
		}()
		impatient := asking(t, api.SignatureQuestion{Body: "e30=", Signature: "x"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		impatient.Request, impatient.explaining = impatient.WithContext(ctx), q.explaining
		if _, err := explainSignature(impatient); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up: %v", err)
		}
		select {
		case err := <-done:
			t.Errorf("two at once, %v", err)
		default:
		}
		<-q.explaining
		if err := <-done; err != nil || len(q.explaining) > 0 {
			t.Errorf("%v, %d still at it", err, len(q.explaining))
		}
	})
}

// The largest body that can be explained fits into a question.
func TestExplainSignatureOfTheLargest(t *testing.T) {
	large := base64.StdEncoding.EncodeToString(make([]byte, explain.MaxBody))
	if _, err := explainSignature(asking(t, api.SignatureQuestion{Body: large, Signature: "x"})); err != nil {
		t.Error(err)
	}
}
