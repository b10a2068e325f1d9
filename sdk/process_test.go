package sdk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// process is the test binary running as a plugin, and the host's side of it,
// done by hand as the README tells authors in other languages.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	lifeline io.WriteCloser
	stderr   io.ReadCloser
	client   handlerv1.HandlerServiceClient
	records  chan map[string]any
	exited   chan struct{}
}

func startProcess(t *testing.T) *process {
	t.Helper()
	sockets, err := os.MkdirTemp("", "sdk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	p := &process{t: t, cmd: exec.Command(os.Args[0]), records: make(chan map[string]any, 100), exited: make(chan struct{})}
	p.cmd.Env = []string{
		runAsPlugin + "=1", handlerv1.CookieKey + "=" + handlerv1.CookieValue,
		"PLUGIN_UNIX_SOCKET_DIR=" + sockets, "PLUGIN_PROTOCOL_VERSIONS=1", "GOCOVERDIR=" + t.TempDir(),
	}
	p.lifeline = must(p.cmd.StdinPipe())
	stdout := must(p.cmd.StdoutPipe())
	p.stderr = must(p.cmd.StderrPipe())
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		p.readLog(p.stderr)
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("reading the handshake line: %v", err)
	}
	go func() {
		<-logged
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.lifeline.Close()
		p.waitForExit()
	})
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || parts[0] != "1" || parts[1] != "1" || parts[4] != "grpc" {
		t.Fatalf("handshake line %q", line)
	}
	conn, err := grpc.NewClient(map[string]string{"unix": "unix:", "tcp": "dns:///"}[parts[2]]+parts[3],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(handlerv1.MaxMessageBytes)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p.client = handlerv1.NewHandlerServiceClient(conn)
	return p
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (p *process) readLog(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		record := map[string]any{}
		if json.Unmarshal(lines.Bytes(), &record) != nil {
			record["@message"] = "not JSON: " + lines.Text()
		}
		p.records <- record
	}
	close(p.records)
}

// waitForRecord reads the log up to the record with this message.
func (p *process) waitForRecord(message string) map[string]any {
	p.t.Helper()
	timeout := time.After(patience)
	var seen []any
	for {
		select {
		case r, ok := <-p.records:
			if !ok {
				p.t.Fatalf("the process ended without logging %q; it logged %q", message, seen)
			}
			if r["@message"] == message {
				return r
			}
			seen = append(seen, r["@message"])
		case <-timeout:
			p.t.Fatalf("no log record %q; there were %q", message, seen)
		}
	}
}

func (p *process) waitForExit() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Error("the process did not end")
	}
}

func (p *process) configure(config string) {
	p.t.Helper()
	resp, err := p.client.Configure(p.t.Context(), &handlerv1.ConfigureRequest{ConfigJson: []byte(config), Handler: "test"})
	if err != nil || len(resp.GetDiagnostics()) > 0 {
		p.t.Fatalf("Configure: %v, %v", resp, err)
	}
}

func (p *process) handle(events ...*handlerv1.Event) []*handlerv1.Result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	resp, err := p.client.Handle(ctx, &handlerv1.HandleRequest{Events: events})
	if err != nil {
		p.t.Fatalf("Handle: %v", err)
	}
	if len(resp.GetResults()) != len(events) {
		p.t.Fatalf("%d results for %d events", len(resp.GetResults()), len(events))
	}
	return resp.GetResults()
}

func event(id, kind string) *handlerv1.Event {
	return &handlerv1.Event{Id: id, Type: kind, VehicleId: "v-" + id, Attempt: 1, Payload: fmt.Appendf(nil, `{"eventId":%q}`, id)}
}
