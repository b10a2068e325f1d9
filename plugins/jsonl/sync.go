package jsonl

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// syncEvery syncs f at an interval until the returned function is called, which waits for a sync under way.
func syncEvery(f *file, interval time.Duration) (stop func()) {
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				f.syncNow()
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		done.Wait()
	})
}

func (f *file) syncNow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.sync(); err != nil {
		f.log.Error("syncing failed; lines written since the last sync may be lost in a power cut", "error", err)
	}
}

// syncFolder makes the name of a new or renamed file durable. Windows does so by itself, and some file systems do not
// have the operation.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, folder.Close())
}
