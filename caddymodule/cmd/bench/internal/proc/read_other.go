//go:build !linux

package proc

// Read returns ErrUnknown.
func Read(int) (Use, error) { return Use{}, ErrUnknown }
