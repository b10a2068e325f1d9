package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// What is sent must be what a receiver takes: else the benchmark measures refusals.
func TestRequestsAreRightAndDiffer(t *testing.T) {
	const token = "0123456789abcdef"
	body, id := sample(2048)
	bodies, err := newBodyMaker(token, body, id)
	if err != nil {
		t.Fatal(err)
	}
	keys := smartcar.NewKeys(token)
	seen := map[string]bool{}
	for range 2 {
		maker := bodies.forWorker()
		for range 3 {
			raw := maker.appendRequest(nil, target{path: "/"})
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(body) {
				t.Errorf("%d bytes, want %d", len(got), len(body))
			}
			if _, ok := keys.Verify(got, r.Header.Get("SC-Signature")); !ok {
				t.Error("the signature is wrong")
			}
			envelope, err := smartcar.ParseEnvelope(got)
			if err != nil {
				t.Fatal(err)
			}
			if len(envelope.EventID) != len(id) || seen[envelope.EventID] {
				t.Errorf("event id %q is too short or came before", envelope.EventID)
			}
			seen[envelope.EventID] = true
		}
	}
	if _, err := newBodyMaker(token, []byte("{}"), id); err == nil {
		t.Error("a body without its id gave no error")
	}
}
