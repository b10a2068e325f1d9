package pluginhost

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// TestMain lets the test binary be a plugin, good or bad, or a host: it starts
// itself again with a role as the first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as" {
		role, ok := roles()[os.Args[2]]
		if !ok {
			fmt.Fprintln(os.Stderr, "no such role:", os.Args[2])
			os.Exit(2)
		}
		role(os.Args[3:])
		return
	}
	goleak.VerifyTestMain(m)
}

// roles are what the test binary can be.
func roles() map[string]func(args []string) {
	return map[string]func([]string){
		"fake":           serveFake,
		"sdk":            serveSDK,
		"host":           beHost,
		"linger":         linger,
		"environ":        func([]string) { fmt.Print(environOfParent()) },
		"environ-host":   beEnvironHost,
		"read-only-host": beReadOnlyHost,
		"garbage":        func([]string) { fmt.Println("Hello, I am a web server"); block() },
		"fullgarbage": func([]string) {
			junk := make([]byte, 1<<20)
			_, _ = os.Stdout.Write(junk)
			block()
		},
		"silent": func(args []string) {
			for _, a := range args {
				tattle(strings.TrimPrefix(a, "tattle="))
			}
			block()
		},
		"exit": func([]string) {
			fmt.Fprintln(os.Stderr, "cannot open /etc/shadow")
			os.Exit(3)
		},
		"panic":   func([]string) { panic("no database") },
		"netrpc":  func([]string) { fmt.Println("1|1|unix|/nowhere|netrpc|"); block() },
		"version": func([]string) { fmt.Println("1|7|unix|/nowhere|grpc|"); block() },
		"remote":  func([]string) { fmt.Println("1|1|tcp|192.0.2.1:80|grpc|"); block() },
		"plaintext": func([]string) {
			ln, err := net.Listen("unix", os.Getenv("PLUGIN_UNIX_SOCKET_DIR")+"/plain")
			if err != nil {
				panic(err)
			}
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					_, _ = c.Write([]byte("220 mail.example\r\n"))
				}
			}()
			fmt.Printf("1|1|unix|%s|grpc|\n", ln.Addr())
			block()
		},
	}
}

// block ends with the host.
func block() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// linger is a grandchild: it ends when the test closes the connection.
func linger(args []string) {
	conn := tattle(args[0])
	_, _ = io.Copy(io.Discard, conn)
	os.Exit(0)
}

// tattle connects to a test, which sees by it whether this process lives.
func tattle(socket string) net.Conn {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tattle:", err)
		os.Exit(2)
	}
	return conn
}

// beHost is a host with one plugin, to be killed.
func beHost(args []string) {
	p := New(Spec{Handler: "orphan", Command: self(), Args: []string{"as", args[0], args[1]}, RuntimeDir: args[2]})
	if err := p.Start(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

// serveSDK is a plugin as its authors write them.
func serveSDK(args []string) {
	for _, a := range args {
		tattle(strings.TrimPrefix(a, "tattle="))
	}
	type config struct {
		Greeting string `config:"greeting" default:"\"hello\""`
	}
	sdk.Serve(sdk.New("greeter", func(_ context.Context, c config) (sdk.Handler, error) {
		return func(ctx context.Context, e *sdk.Event) error {
			switch string(e.Payload) {
			case "crash":
				os.Exit(1)
			case "report":
				sdk.Report(ctx, sdk.Condition{Name: "disk_slow", Text: "the disk is slow", Advice: "look at it"})
			case "clear":
				sdk.Clear(ctx, "disk_slow")
			case "panic":
				panic("no such car")
			case "panic-aside":
				go panic("no such car, aside")
				<-ctx.Done()
			}
			sdk.Logger(ctx).Info(c.Greeting, "bytes", len(e.Payload))
			return nil
		}, nil
	}))
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

func startSelf(role string, args ...string) *exec.Cmd {
	return exec.Command(self(), append([]string{"as", role}, args...)...)
}
