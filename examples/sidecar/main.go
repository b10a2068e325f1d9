// Command sidecar is an application that takes Smartcar's webhooks itself: it checks their signature, prints a line for
// each event, and knows nothing of Caddy.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3000", "address to listen on")
	flag.Parse()
	token := os.Getenv("SMARTCAR_TOKEN")
	if token == "" {
		log.Fatal("SMARTCAR_TOKEN is not set: it is the Application Management Token from Smartcar's dashboard")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	server := &http.Server{
		Addr:              *listen,
		Handler:           newApp(token, os.Stdout),
		ReadHeaderTimeout: 5 * time.Second,
	}
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	})
	log.Printf("waiting for webhooks on http://%s/webhooks/smartcar", *listen)
	err := server.ListenAndServe()
	stop()
	if !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// app prints events and remembers which it has seen.
type app struct {
	token string

	mu   sync.Mutex
	out  io.Writer
	seen map[string]bool
}

func newApp(token string, out io.Writer) http.Handler {
	a := &app{token: token, out: out, seen: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/smartcar", a.webhook)
	return mux
}

func (a *app) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
		return
	}
	if !signed(a.token, body, r.Header.Get("SC-Signature")) {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	var event struct {
		ID   string `json:"eventId"`
		Type string `json:"eventType"`
		Data struct {
			Vehicle struct {
				ID string `json:"id"`
			} `json:"vehicle"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	word := "event"
	if a.seen[event.ID] {
		word = "again"
	}
	a.seen[event.ID] = true
	fmt.Fprintf(a.out, "%s %s %s vehicle=%s attempt=%s\n",
		word, event.ID, event.Type, event.Data.Vehicle.ID, r.Header.Get("X-Smartcar-Attempt"))
	w.WriteHeader(http.StatusOK)
}

// signed reports whether signature is the HMAC-SHA256 of body, in hex.
func signed(token string, body []byte, signature string) bool {
	got, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}
