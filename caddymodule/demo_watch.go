package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// demoLine is what the demo reads of a line that the jsonl handler wrote.
type demoLine struct {
	EventID string `json:"event_id"`
	Type    string `json:"event_type"`
	Attempt int    `json:"attempt"`
}

// readDemoLines returns the whole lines in the handler's file; none when the
// handler has not made it yet.
func readDemoLines(path string) ([]demoLine, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what the handler received: %w", err)
	}
	var lines []demoLine
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	scanner := bufio.NewScanner(bytes.NewReader(whole))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line demoLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("reading what the handler received: %w", err)
		}
		lines = append(lines, line)
	}
	return lines, scanner.Err()
}

// awaitDemoLine waits until the handler has received the event.
func awaitDemoLine(ctx context.Context, path, eventID string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		lines, err := readDemoLines(path)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if line.EventID == eventID {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the handler has not received it after 15 s")
		case <-ticker.C:
		}
	}
}
