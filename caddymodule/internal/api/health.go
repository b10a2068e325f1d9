package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Ready says whether an event that came now would be stored.
type Ready struct {
	Ready bool `json:"ready"`
	// Why is one word: a state of Receiving but StateUnreached, or StateHanging, StateStarting or StateStopping.
	Why string `json:"why,omitempty"`
}

// Live says whether the process goes on.
type Live struct {
	Live bool `json:"live"`
	// Why is StateStopping.
	Why string `json:"why,omitempty"`
}

// WriteReady answers with Ready, 503 where there is a reason why it is not. Nobody may keep the answer.
func WriteReady(w http.ResponseWriter, why string) {
	writeHealth(w, Ready{Ready: why == "", Why: why}, why)
}

// WriteLive answers with Live, 503 where there is a reason why it is not. Nobody may keep the answer.
func WriteLive(w http.ResponseWriter, why string) {
	writeHealth(w, Live{Live: why == "", Why: why}, why)
}

func writeHealth(w http.ResponseWriter, body any, why string) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // words only
	}
	text = append(text, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	status := http.StatusOK
	if why != "" {
		status = http.StatusServiceUnavailable
	}
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
