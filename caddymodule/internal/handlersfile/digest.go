package handlersfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
)

// Digest returns a hash of what stands in handlers files and folders of them, in hex: it is another one when a file
// changes, comes or goes. Whether the files are right does not matter. Errors: a path or a file that cannot be read.
func Digest(paths []string) (string, error) {
	names, diags := expand(paths)
	if diags.HasErrors() {
		return "", fmt.Errorf("finding the handlers files: %w", diags)
	}
	h := sha256.New()
	for _, name := range names {
		content, err := readFile(name)
		if err != nil {
			return "", fmt.Errorf("handlers file %s: %w", name, err)
		}
		add(h, filepath.Base(name), string(content)) // where they lie, the config says
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
