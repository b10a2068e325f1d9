// Command build builds Caddy with this module as xcaddy.json says: with xcaddy where it is installed, else with
// `go build` of the main.go that xcaddy writes.
//
//	go run ./caddymodule/cmd/build            # writes ./caddy
//	go run ./caddymodule/cmd/build -print     # only prints the commands
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

// goBuildArgs are xcaddy's own default flags.
func goBuildArgs(output string) []string {
	return []string{
		"build", "-o", output, "-ldflags", "-w -s", "-trimpath",
		"-tags", "nobadger,nomysql,nopgx", "./caddymodule/cmd/caddy",
	}
}

func main() {
	manifestPath := flag.String("manifest", "xcaddy.json", "the build manifest")
	output := flag.String("output", "caddy", "the binary to write")
	printOnly := flag.Bool("print", false, "print the commands and stop")
	flag.Parse()

	if err := run(*manifestPath, *output, *printOnly); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(manifestPath, output string, printOnly bool) error {
	m, err := readManifest(manifestPath)
	if err != nil {
		return err
	}
	if printOnly {
		fmt.Println("xcaddy", strings.Join(m.xcaddyArgs(output), " "))
		fmt.Println("go", strings.Join(quoteBlanks(goBuildArgs(output)), " "))
		return nil
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if path, err := exec.LookPath("xcaddy"); err == nil {
		return runCommand(ctx, nil, path, m.xcaddyArgs(output)...)
	}
	fmt.Fprintln(os.Stderr, "build: xcaddy is not on PATH; building the same main.go with go build")
	return runCommand(ctx, []string{"CGO_ENABLED=0"}, "go", goBuildArgs(output)...)
}

func runCommand(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w", name, err)
	}
	return nil
}

func quoteBlanks(args []string) []string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.Contains(a, " ") {
			quoted[i] = `"` + a + `"`
		}
	}
	return quoted
}
