package proc

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestReadSeesWork holds the counters to what this process does.
func TestReadSeesWork(t *testing.T) {
	before, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 20
	for deadline := time.Now().Add(10 * time.Second); ; {
		u, err := Read(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if u.Since(before).CPU >= 50*time.Millisecond {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("10 s of work took no processor time")
		}
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "written"), make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// A temporary folder in memory is on no disk.
	if written := after.Since(before).Written; written != 0 && written < size {
		t.Errorf("%d bytes written, want %d at least", written, size)
	}
	if after.Resident <= 0 || after.Peak < after.Resident {
		t.Errorf("resident %d, peak %d", after.Resident, after.Peak)
	}
}

func TestReadOfNoProcess(t *testing.T) {
	if _, err := Read(1 << 30); err == nil {
		t.Error("a process that cannot be gave no error")
	}
}
