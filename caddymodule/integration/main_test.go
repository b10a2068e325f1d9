// Package integration runs the whole of Caddy with this project's modules: as a
// process of its own where it is killed, inside the test's process elsewhere.
package integration

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"go.uber.org/goleak"

	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule"
)

// TestMain lets the test binary be Caddy: the tests start it as `<binary> run`, and
// that Caddy starts it as `<binary> smartcar plugin <name>`. It is a handler's own
// program as well, as `<binary> plugin <name>`, one of the plugin stdio, as `<binary> program <name> <file>`, an
// application that takes webhooks, as `<binary> app <folder> <credential>`, and a server that takes notices, as
// `<binary> pager <address> <file>`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "run", "reload", "validate", "smartcar":
			caddycmd.Main()
			return
		case "plugin":
			serveTestPlugin(os.Args[2])
			return
		case "app":
			serveLegacyApp(os.Args[2], os.Args[3])
			return
		case "pager":
			servePager(os.Args[2], os.Args[3])
			return
		case "program":
			beProgram(os.Args[2], os.Args[3])
			return
		}
	}
	waitSideBySide()
	dir, err := os.MkdirTemp("", "integration-")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if err := os.Setenv(name, dir); err != nil {
			panic(err)
		}
	}
	// These were chosen in the user's home before any code here ran.
	caddy.ConfigAutosavePath, caddy.DefaultStorage.Path = filepath.Join(dir, "autosave.json"), filepath.Join(dir, "storage")
	goleak.VerifyTestMain(m, append(caddyKeeps, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))...)
}

// waitSideBySide lets testsPerProcessor run at a time, unless the command line says -parallel.
func waitSideBySide() {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if asked {
		return
	}
	if err := flag.Set("test.parallel", strconv.Itoa(testsPerProcessor*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
}

// caddyKeeps are the goroutines that Caddy and its libraries keep for the life of the process.
var caddyKeeps = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*Cache).maintainAssets"),
	goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
}
