package demo

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

// line is what the demo reads of a line that the jsonl handler wrote.
type line struct {
	EventID string `json:"event_id"`
	Type    string `json:"event_type"`
	Attempt int    `json:"attempt"`
}

// readLines returns the whole lines in the handler's file; none when the
// handler has not made it yet.
func readLines(path string) ([]line, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what the handler received: %w", err)
	}
	var lines []line
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	scanner := bufio.NewScanner(bytes.NewReader(whole))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line line
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("reading what the handler received: %w", err)
		}
		lines = append(lines, line)
	}
	return lines, scanner.Err()
}

// awaitLine waits until the handler has received the event.
func awaitLine(ctx context.Context, path, eventID string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		lines, err := readLines(path)
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
