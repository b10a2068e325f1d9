package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// The bare receiver must be a fair floor: it checks and stores before it answers.
func TestBareReceiverChecksAndStores(t *testing.T) {
	const token = "0123456789abcdef"
	l, err := openGroupLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	h := bareReceiver(token, l)
	post := func(signature string) int {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(`{"a":1}`)))
		r.Header.Set("SC-Signature", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if got := post(smartcar.Sign("another token 123", []byte(`{"a":1}`))); got != http.StatusUnauthorized || l.syncs() != 0 {
		t.Errorf("a wrong signature was answered %d, with %d syncs", got, l.syncs())
	}
	if got := post(smartcar.Sign(token, []byte(`{"a":1}`))); got != http.StatusOK || l.syncs() != 1 {
		t.Errorf("a right one was answered %d, with %d syncs", got, l.syncs())
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, syncsPath, nil))
	if w.Body.String() != "1" {
		t.Errorf("it says %q syncs", w.Body)
	}
}
