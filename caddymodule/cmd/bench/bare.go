package main

import (
	"io"
	"net/http"
	"strconv"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// syncsPath is where the bare receiver says how often it has synced.
const syncsPath = "/syncs"

// bareReceiver is a durable receiver without Caddy and without a buffer: net/http, the
// signature, the group-committed log, the answer. It finds no duplicates, delivers nothing
// and could not even read back what it has.
func bareReceiver(token string, l *groupLog) http.Handler {
	keys := smartcar.NewKeys(token)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+syncsPath, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strconv.FormatUint(l.syncs(), 10))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 0 || r.ContentLength > 1<<20 {
			http.Error(w, "length", http.StatusRequestEntityTooLarge)
			return
		}
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		if _, ok := keys.Verify(body, r.Header.Get("SC-Signature")); !ok {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		if err := l.append(body); err != nil {
			http.Error(w, "log", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"stored"}`)
	})
	return mux
}
