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
	bodies, err := newBodyMaker(token, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := smartcar.NewKeys(token)
	seen, vehicles := map[string]bool{}, map[string]bool{}
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
			if len(got) != 2048 {
				t.Errorf("%d bytes, want 2048", len(got))
			}
			if _, ok := keys.Verify(got, r.Header.Get("SC-Signature")); !ok {
				t.Error("the signature is wrong")
			}
			envelope, err := smartcar.ParseEnvelope(got)
			if err != nil {
				t.Fatal(err)
			}
			if len(envelope.EventID) != 36 || seen[envelope.EventID] {
				t.Errorf("event id %q is too short or came before", envelope.EventID)
			}
			seen[envelope.EventID] = true
			vehicles[envelope.VehicleID] = true
		}
	}
	if len(vehicles) < 2 {
		t.Error("all are of one vehicle")
	}
}
