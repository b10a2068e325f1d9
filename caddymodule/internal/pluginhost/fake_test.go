package pluginhost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// fake is a plugin on bare go-plugin. What it does with an event stands in the
// event's payload, what it does at its start in its arguments.
type fake struct {
	handlerv1.UnimplementedHandlerServiceServer
	goplugin.NetRPCUnsupportedPlugin

	quirks map[string]string
	stderr *os.File // the real one: go-plugin swaps os.Stderr
	server *grpc.Server

	mu       sync.Mutex
	shutdown chan struct{}
	again    chan struct{} // closed when "late-once" comes a second time
	config   string
}

// serveFake takes quirks as name or name=value.
func serveFake(args []string) {
	f := &fake{quirks: map[string]string{}, stderr: os.Stderr, shutdown: make(chan struct{}), again: make(chan struct{})}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		f.quirks[name] = value
	}
	if path, ok := f.quirks["tattle"]; ok {
		tattle(path)
	}
	if path, ok := f.quirks["fail-unless"]; ok {
		if _, err := os.Stat(path); err != nil {
			fmt.Fprintln(os.Stderr, "the database is not there")
			os.Exit(4)
		}
	}
	if _, ok := f.quirks["bad-stderr"]; ok {
		fmt.Fprintln(os.Stderr, `{"@message": 1}`)
		fmt.Fprintln(os.Stderr, `{"@level": [], "@message": "odd level", "@timestamp": {}}`)
		fmt.Fprintln(os.Stderr, strings.Repeat("x", 200_000))
		_, _ = os.Stderr.Write([]byte{0xff, 0xfe, 0x00, 0x1b, '[', '2', 'J', '\n'})
		fmt.Fprintln(os.Stderr, `{"@level":"warn","@message":"low on fuel","litres":3,"@timestamp":"2026-01-02T03:04:05.000000Z"}`)
	}
	if n, ok := f.quirks["flood"]; ok {
		var lines int
		_, _ = fmt.Sscan(n, &lines)
		for i := range lines {
			fmt.Fprintln(os.Stderr, "line", i)
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(5)
	}()
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{MagicCookieKey: handlerv1.CookieKey, MagicCookieValue: handlerv1.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{
			handlerv1.ProtocolVersion: {handlerv1.PluginName: f},
		},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(handlerv1.MaxMessageBytes))...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: os.Stderr, JSONFormat: true}),
	})
	if f.has("outlive") {
		// Its server has ended; the process has not.
		select {}
	}
}

func (f *fake) has(quirk string) bool {
	_, ok := f.quirks[quirk]
	return ok
}

func (f *fake) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	f.server = s
	switch {
	case f.has("no-service"):
	case f.has("twofold"):
		s.RegisterService(twofold(), f)
	default:
		handlerv1.RegisterHandlerServiceServer(s, f)
	}
	return nil
}

func (f *fake) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

func (f *fake) Describe(ctx context.Context, _ *handlerv1.DescribeRequest) (*handlerv1.DescribeResponse, error) {
	if f.has("hang-describe") {
		<-ctx.Done()
		return nil, ctx.Err() // an answer might still be in time for the host, whose clock goes off a little later
	}
	d := &handlerv1.DescribeResponse{Name: "fake", Version: "1.2.3", MaxBatch: 7, Schema: &handlerv1.Schema{
		Attributes: []*handlerv1.Attribute{{Name: "url", Type: "string", Required: true, DefaultJson: []byte(`"x"`)}},
		Blocks: []*handlerv1.Block{{Name: "tls", Nesting: handlerv1.Block_NESTING_LIST, Schema: &handlerv1.Schema{
			Attributes: []*handlerv1.Attribute{{Name: "key", Type: "string", Sensitive: true}}}}},
	}}
	if f.has("bloat") {
		d.Schema.ProtoReflect().SetUnknown(bytes.Repeat([]byte{0x0a, 0}, 1<<20))
	}
	if f.has("picky") {
		d.EventTypes = []string{"VEHICLE_STATE"}
	}
	return d, nil
}

func (f *fake) Configure(_ context.Context, req *handlerv1.ConfigureRequest) (*handlerv1.ConfigureResponse, error) {
	f.mu.Lock()
	f.config = string(req.GetConfigJson())
	f.mu.Unlock()
	resp := &handlerv1.ConfigureResponse{}
	if f.has("late") {
		resp.MaxBatch, resp.EventTypes = 3, []string{"VEHICLE_ERROR"}
	}
	if f.has("warn") {
		resp.Diagnostics = append(resp.Diagnostics, &handlerv1.Diagnostic{
			Severity: handlerv1.Diagnostic_SEVERITY_WARNING, Summary: "Old style", Path: []string{"url"}})
	}
	if f.has("refuse") {
		resp.Diagnostics = append(resp.Diagnostics, &handlerv1.Diagnostic{
			Severity: handlerv1.Diagnostic_SEVERITY_ERROR, Summary: "Bad URL", Detail: "It has no host.", Path: []string{"tls", "0", "key"}})
	}
	return resp, nil
}

// WatchConditions sends each list of the quirk "tells", and then what the quirk "then" says.
func (f *fake) WatchConditions(
	_ *handlerv1.WatchConditionsRequest, stream grpc.ServerStreamingServer[handlerv1.WatchConditionsResponse],
) error {
	lists, ok := f.quirks["tells"]
	if !ok {
		return f.UnimplementedHandlerServiceServer.WatchConditions(nil, stream)
	}
	var told [][]*handlerv1.Condition
	if err := json.Unmarshal([]byte(lists), &told); err != nil {
		return err
	}
	for _, list := range told {
		if err := stream.Send(&handlerv1.WatchConditionsResponse{Conditions: list}); err != nil {
			return err
		}
	}
	switch f.quirks["then"] {
	case "ends":
		return nil
	case "too much":
		return stream.Send(&handlerv1.WatchConditionsResponse{Conditions: slices.Repeat(
			[]*handlerv1.Condition{{Name: "a", Text: "many"}}, maxConditionsBytes)})
	case "never stops":
		for n := 0; ; n++ {
			c := &handlerv1.Condition{Name: "counting", Text: fmt.Sprint(n)}
			if err := stream.Send(&handlerv1.WatchConditionsResponse{Conditions: []*handlerv1.Condition{c}}); err != nil {
				return err
			}
		}
	}
	<-stream.Context().Done()
	return nil
}

func (f *fake) Handle(ctx context.Context, req *handlerv1.HandleRequest) (*handlerv1.HandleResponse, error) {
	resp := &handlerv1.HandleResponse{}
	for _, e := range req.GetEvents() {
		r, err := f.one(ctx, e)
		if err != nil {
			return nil, err
		}
		if r != nil {
			resp.Results = append(resp.Results, r)
		}
		if size, ok := strings.CutPrefix(string(e.GetPayload()), "empties "); ok {
			var n int
			_, _ = fmt.Sscan(size, &n)
			// On the wire these are results without a field; here they take no more memory.
			resp.ProtoReflect().SetUnknown(bytes.Repeat([]byte{0x0a, 0}, n/2))
		}
		if bytes.HasPrefix(e.GetPayload(), []byte("surplus")) && (e.GetAttempt() == 1 || !bytes.HasSuffix(e.GetPayload(), []byte("once"))) {
			resp.Results = append(resp.Results, r)
		}
	}
	return resp, nil
}

func (f *fake) one(ctx context.Context, e *handlerv1.Event) (*handlerv1.Result, error) {
	command, arg, _ := strings.Cut(string(e.GetPayload()[:min(200, len(e.GetPayload()))]), " ")
	answer := func(s handlerv1.Result_Status, text string) (*handlerv1.Result, error) {
		return &handlerv1.Result{Status: s, Error: text}, nil
	}
	switch command {
	case "retry":
		return &handlerv1.Result{Status: handlerv1.Result_STATUS_RETRY, Error: "later", RetryAfter: durationpb.New(3 * time.Second)}, nil
	case "reject":
		return &handlerv1.Result{Status: handlerv1.Result_STATUS_REJECT, Reason: "invalid_vin", Error: "no"}, nil
	case "unavailable":
		return answer(handlerv1.Result_STATUS_UNAVAILABLE, "db")
	case "unspecified":
		return &handlerv1.Result{}, nil
	case "status99":
		return answer(99, "")
	case "essay":
		return answer(handlerv1.Result_STATUS_RETRY, strings.Repeat("é", 4000))
	case "forget":
		return nil, nil
	case "internal":
		return nil, status.Error(codes.Internal, "panic: nil map")
	case "crash":
		_, _ = fmt.Fprintln(f.stderr, "engine on fire")
		os.Exit(7)
	case "end":
		_, _ = fmt.Fprintf(f.stderr, "no fuel\n{\"level\":\"error\",\"msg\":%q,\"smartcar_ending\":true}\n", arg)
		os.Exit(1)
	case "crash-once":
		if _, err := os.Stat(arg); err != nil {
			_ = os.WriteFile(arg, nil, 0o600)
			_, _ = fmt.Fprintln(f.stderr, "engine on fire, this once")
			os.Exit(7)
		}
	case "forget-once":
		if e.GetAttempt() == 1 {
			return nil, nil
		}
	case "hang":
		f.saw(arg)
		select {}
	case "late-once":
		// The end of its context is no sign that the host has given the call up: the answer
		// could still be in time. A second attempt is.
		if e.GetAttempt() == 1 {
			<-f.again
		} else {
			close(f.again)
		}
	case "panic":
		panic("no such car")
	case "eat":
		eatMemory()
	case "hang-up":
		go f.server.Stop()
		<-ctx.Done()
	case "wait":
		f.saw(arg)
		<-ctx.Done()
		return nil, ctx.Err()
	case "until-shutdown":
		f.saw(arg)
		<-f.shutdown
	case "late":
		f.saw(arg)
		<-f.shutdown
		// Work that Shutdown did not wait for.
		<-time.After(200 * time.Millisecond)
	case "freeze":
		f.saw(arg)
		freeze()
	case "fork":
		f.fork(arg, true)
		os.Exit(9)
	case "fork-in-group":
		f.fork(arg, false)
		os.Exit(9)
	case "env":
		text, _ := json.Marshal(os.Environ())
		return answer(handlerv1.Result_STATUS_RETRY, string(text))
	case "holds":
		return answer(handlerv1.Result_STATUS_RETRY, fmt.Sprint(holdsFile(arg)))
	case "environ":
		return answer(handlerv1.Result_STATUS_RETRY, environOfParent())
	case "config":
		f.mu.Lock()
		defer f.mu.Unlock()
		return answer(handlerv1.Result_STATUS_RETRY, f.config)
	case "echo":
		e.Payload = nil
		return answer(handlerv1.Result_STATUS_RETRY, fmt.Sprint(e.GetId(), " ", e.GetSignature(), " ", e.GetAttempt(), " ", e.GetPosition(), " ", e.GetReceivedAt().AsTime().UTC().Format(time.RFC3339Nano)))
	case "print":
		fmt.Println(arg)
		fmt.Fprintln(os.Stderr, arg, "too")
	}
	return &handlerv1.Result{Status: handlerv1.Result_STATUS_DONE}, nil
}

// environOfParent is what this process can read of the environment of the one that started it, or
// why it cannot.
func environOfParent() string {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
	if err != nil {
		return err.Error()
	}
	return string(environ)
}

// saw tells the test that a call has arrived.
func (f *fake) saw(socket string) {
	if socket != "" {
		tattle(socket)
	}
}

// fork leaves a grandchild that holds stdout and stderr.
func (f *fake) fork(socket string, ownSession bool) {
	cmd := startSelf("linger", socket)
	cmd.Stderr = f.stderr
	if ownSession {
		cmd.SysProcAttr = newSession()
	}
	if err := cmd.Start(); err != nil {
		_, _ = fmt.Fprintln(f.stderr, err)
	}
	// The test goes on when the grandchild has connected.
}

func (f *fake) Shutdown(ctx context.Context, _ *handlerv1.ShutdownRequest) (*handlerv1.ShutdownResponse, error) {
	if f.has("hang-shutdown") {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	close(f.shutdown)
	if f.has("fail-shutdown") {
		return nil, status.Error(codes.Internal, "could not flush")
	}
	return &handlerv1.ShutdownResponse{}, nil
}
