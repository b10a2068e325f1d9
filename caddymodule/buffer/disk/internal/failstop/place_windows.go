package failstop

import "os"

// sameVolume is not known here.
func sameVolume(os.FileInfo, os.FileInfo) bool { return true }
