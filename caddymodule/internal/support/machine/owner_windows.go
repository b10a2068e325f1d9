package machine

import "io/fs"

// owner knows no numbers here.
func owner(fs.FileInfo) (user, group string) { return "", "" }
