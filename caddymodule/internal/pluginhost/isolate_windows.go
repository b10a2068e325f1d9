package pluginhost

// isolate has nothing to do: on Windows a process inherits only the handles that it is given.
func isolate() error { return nil }
