//go:build !linux && !darwin

package probe

// FileSystemOf knows no name here.
func FileSystemOf(string) (string, error) { return "", nil }
