package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// rawSync is the floor under a durable answer: the median of n times appending
// size bytes to a file and syncing it.
func rawSync(dir string, size, n int) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return 0, fmt.Errorf("making the raw file: %w", err)
	}
	defer f.Close()
	data := make([]byte, size)
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if _, err := f.Write(data); err != nil {
			return 0, fmt.Errorf("writing the raw file: %w", err)
		}
		if err := datasync(f); err != nil {
			return 0, fmt.Errorf("syncing the raw file: %w", err)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[n/2], nil
}
