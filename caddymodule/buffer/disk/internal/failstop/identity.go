package failstop

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// identityFile holds the buffer's identity: random, given once, and nothing that is stored depends on it. So it tells
// the buffer from an empty directory and from another buffer, whatever happens to its other files.
const (
	identityFile    = "identity"
	identityNewFile = "identity.new"
	identityBytes   = 16
)

// Found is what is in a directory.
type Found struct {
	// Identity of the buffer, "" where there is none or it cannot be read.
	Identity string
	// Contents: there are files of a buffer.
	Contents bool
	// Damaged: there is an identity, which cannot be read. Nobody else writes that file, so the buffer is taken for the
	// one that must be there: a damaged file must not keep events from being received.
	Damaged bool
}

// Look says what is in a directory, and changes nothing. A directory that is not there is an empty one.
func Look(fsys vfs.FS, dir string) (Found, error) {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Found{}, nil
	}
	if err != nil {
		return Found{}, fmt.Errorf("looking what is there: %w", err)
	}
	found := Found{Contents: markedManifest(names) != "" || slices.ContainsFunc(names, isContents)}
	found.Identity, found.Damaged, err = readIdentity(fsys, dir)
	return found, err
}

// IdentityError says that a directory does not have the buffer that must be in it.
type IdentityError struct {
	Path string
	// Want is the identity of that buffer, Found what is there instead.
	Want  string
	Found Found
}

// Error says what is there.
func (e *IdentityError) Error() string { return fmt.Sprintf("%s %s", e.Path, e.Found) }

// Unwrap makes it a buffer.ErrOtherBuffer.
func (e *IdentityError) Unwrap() error { return buffer.ErrOtherBuffer }

// String goes on behind the name of the directory.
func (f Found) String() string {
	switch {
	case f.Identity != "":
		return "has another buffer, " + f.Identity
	case f.Contents:
		return "has a buffer without an identity, such as one from a backup that an earlier version made"
	}
	return "is empty or not there"
}

// CheckIdentity returns an *IdentityError where another buffer is in a directory than must be, or none; "" means any.
func CheckIdentity(fsys vfs.FS, dir, want string) error {
	if want == "" {
		return nil
	}
	found, err := Look(fsys, dir)
	if err == nil && found.Identity != want && !found.Damaged {
		err = &IdentityError{Path: dir, Want: want, Found: found}
	}
	return err
}

// giveIdentity gives the directory an identity unless it has one.
func (f *FS) giveIdentity() error {
	found, err := Look(f.FS, f.path)
	if err != nil {
		return err
	}
	if found.Identity != "" {
		f.identity = found.Identity
		return nil
	}
	if f.identity == "" || !found.Damaged {
		b := make([]byte, identityBytes)
		if _, err := rand.Read(b); err != nil {
			return fmt.Errorf("making an identity: %w", err)
		}
		f.identity = hex.EncodeToString(b)
	}
	if err := replaceFile(f, f.path, identityFile, identityNewFile, []byte(f.identity+"\n")); err != nil {
		return fmt.Errorf("writing the identity: %w", err)
	}
	return nil
}

// readIdentity returns "" where there is no file or it is damaged.
func readIdentity(fsys vfs.FS, dir string) (identity string, damaged bool, err error) {
	file, err := fsys.Open(fsys.PathJoin(dir, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("reading the identity: %w", err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, 1<<10))
	if err != nil {
		return "", false, fmt.Errorf("reading the identity: %w", err)
	}
	text := strings.TrimSuffix(string(raw), "\n")
	if b, err := hex.DecodeString(text); err != nil || len(b) != identityBytes {
		return "", true, nil //nolint:nilerr // what cannot be read is no identity
	}
	return text, false, nil
}

// Identity is that of the buffer, once it is locked.
func (f *FS) Identity() string { return f.identity }
