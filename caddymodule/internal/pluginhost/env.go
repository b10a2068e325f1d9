package pluginhost

import (
	"os"
	"runtime"
)

// hostEnv is what plugins see of the host's environment. Everything else stays
// with the host: tokens and passwords come to Caddy by the environment.
func hostEnv() []string {
	names := []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG"}
	if runtime.GOOS == "windows" {
		names = append(names, "TEMP", "TMP", "USERPROFILE", "PATHEXT")
	}
	var env []string
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
