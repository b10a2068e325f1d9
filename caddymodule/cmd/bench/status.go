package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// status is the part of the admin API's answer that is used here.
type status struct {
	Buffer struct {
		Events   uint64 `json:"events"`
		Bytes    int64  `json:"bytes"`
		Appended uint64 `json:"appended"`
		Syncs    uint64 `json:"syncs"`
		// DeadLetters are those of all handlers.
		DeadLetters uint64 `json:"dead_letters"`
	} `json:"buffer"`
	Handlers []struct {
		Name   string `json:"name"`
		State  string `json:"state"`
		Behind struct {
			Events int `json:"events"`
		} `json:"behind"`
	} `json:"handlers"`
}

func (s *server) status(ctx context.Context) (st status, err error) {
	data, err := get(ctx, s.admin+"/smartcar/status")
	if err != nil {
		return st, fmt.Errorf("asking %s how it is: %w", s.secure.name, err)
	}
	if err := json.Unmarshal(data, &st); err != nil {
		return st, fmt.Errorf("reading how %s is: %w", s.secure.name, err)
	}
	return st, nil
}

// syncs are the buffer's own count: groups that it has synced. Files that Pebble writes
// in the background are synced as well and not counted.
func (s *server) syncs(ctx context.Context) (uint64, error) {
	st, err := s.status(ctx)
	return st.Buffer.Syncs, err
}
