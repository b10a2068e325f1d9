package ownfile

// mayWrite: on Windows only the attempt tells.
func mayWrite(string) error { return nil }
