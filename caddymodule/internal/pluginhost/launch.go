package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// launch starts a process and brings it to where it takes calls. On an error
// nothing of it is left.
func (p *Plugin) launch(ctx context.Context) (*instance, error) {
	if err := checkExecutable(p.spec.Command, p.spec.SHA256); err != nil {
		return nil, err
	}
	if p.dir == nil || !p.dir.intact() {
		_ = p.dir.remove()
		dir, err := newRuntimeDir(p.spec.runtimePlaces())
		if err != nil {
			return nil, err
		}
		p.dir = dir
	}
	inst := p.newInstance()
	abort := context.AfterFunc(ctx, inst.proc.kill)
	defer abort()
	if err := p.bringUp(ctx, inst); err != nil {
		inst.proc.giveUp()
		inst.finish()
		switch {
		case ctx.Err() != nil:
			return nil, inst.proc.withStderr(fmt.Errorf("given up: %w", context.Cause(ctx)))
		case isRefusal(err):
			return nil, err
		case inst.proc.endedAlone():
			return nil, fmt.Errorf("%w: %w", err, inst.proc.explainEnd())
		}
		return nil, inst.proc.withStderr(err)
	}
	inst.since = time.Now()
	return inst, nil
}

// newInstance prepares a process; go-plugin's client is made for one start only.
func (p *Plugin) newInstance() *instance {
	logs := newLogSink(p.log)
	proc := newProcess(p.spec, logs)
	inst := &instance{proc: proc, codec: handlerv1.NewCodec(), exitKnown: make(chan struct{}), watched: make(chan struct{})}
	inst.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			MagicCookieKey:   handlerv1.CookieKey,
			MagicCookieValue: handlerv1.CookieValue,
		},
		VersionedPlugins: map[int]goplugin.PluginSet{
			handlerv1.ProtocolVersion: {handlerv1.PluginName: &dispenser{}},
		},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     p.t.handshake,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: p.dir.path},
		Logger:           bridge(p.log),
		// What a Go plugin prints after its start comes by gRPC, not by the pipes.
		SyncStdout: logs.writer("stdout"),
		SyncStderr: logs.writer("stderr"),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (runner.Runner, error) {
			inst.socketDir = dir
			// Last wins: nothing in the handlers file replaces what go-plugin needs.
			proc.env = append(proc.env, cmd.Env...)
			return proc, nil
		},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(
				grpc.MaxCallRecvMsgSize(maxReplyBytes),
				grpc.MaxCallSendMsgSize(handlerv1.MaxMessageBytes),
				grpc.ForceCodecV2(inst.codec)),
			// A process that takes connections and does not speak must not hold up Stop.
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: grpcbackoff.DefaultConfig, MinConnectTimeout: 3 * time.Second}),
		},
	})
	return inst
}

func (p *Plugin) bringUp(ctx context.Context, inst *instance) error {
	if err := p.connect(inst); err != nil {
		return err
	}
	schema, err := p.describe(ctx, inst)
	if err != nil {
		return err
	}
	return p.configure(ctx, inst, schema)
}

// connect starts the process, reads its handshake and dials it. It has no context
// because go-plugin takes none; killing the process ends it.
func (p *Plugin) connect(inst *instance) error {
	protocol, err := inst.client.Client()
	if err != nil {
		return inst.proc.explainConnect(err, p.t.handshake)
	}
	raw, err := protocol.Dispense(handlerv1.PluginName)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	conn := raw.(grpc.ClientConnInterface)
	inst.handler = handlerv1.NewHandlerServiceClient(conn)
	inst.health = healthpb.NewHealthClient(conn)
	return nil
}

func (p *Plugin) describe(ctx context.Context, inst *instance) (sdk.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, p.t.describe)
	defer cancel()
	resp, err := inst.handler.Describe(ctx, &handlerv1.DescribeRequest{})
	if err != nil {
		return sdk.Schema{}, explainCall("Describe", p.t.describe, err)
	}
	inst.about = toAbout(resp)
	return toSchema(resp.GetSchema()), nil
}

func (p *Plugin) configure(ctx context.Context, inst *instance, schema sdk.Schema) error {
	config := []byte("{}")
	if p.spec.Configure != nil {
		var err error
		if config, err = p.spec.Configure(schema); err != nil {
			return refusal{err}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.t.configure)
	defer cancel()
	resp, err := inst.handler.Configure(ctx, &handlerv1.ConfigureRequest{ConfigJson: config, Handler: p.spec.Handler})
	if err != nil {
		return explainCall("Configure", p.t.configure, err)
	}
	inst.answered()
	inst.about.configured(resp)
	return p.checkDiagnostics(toDiagnostics(resp.GetDiagnostics()))
}

// checkDiagnostics turns the plugin's diagnostics into an error or, warnings only, into lines
// in the log.
func (p *Plugin) checkDiagnostics(diags []sdk.Diagnostic) error {
	var errs []error
	for _, d := range diags {
		if d.Warning {
			p.log.Warn("plugin warns about its config", "summary", d.Summary, "detail", d.Detail, "at", strings.Join(d.Path, "."))
			continue
		}
		errs = append(errs, errors.New(strings.TrimSuffix(strings.Join([]string{
			strings.Join(d.Path, "."), d.Summary, d.Detail}, ": "), ": ")))
	}
	if p.spec.Explain != nil && len(diags) > 0 {
		if err := p.spec.Explain(diags); err != nil {
			return refusal{err}
		}
	}
	if len(errs) > 0 {
		return refusal{fmt.Errorf("the plugin refuses its config: %w", errors.Join(errs...))}
	}
	return nil
}

// refusal is an error about the config: it needs no lines of stderr with it.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func isRefusal(err error) bool {
	var r refusal
	return errors.As(err, &r)
}

// explainCall says what a failed Describe or Configure means.
func explainCall(call string, limit time.Duration, err error) error {
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return fmt.Errorf("it did not answer %s within %v", call, limit)
	case codes.Unimplemented:
		return fmt.Errorf("it does not know the call %s: it is a plugin, but not one that serves smartcar.handler.v1.HandlerService", call)
	case codes.Unavailable:
		return fmt.Errorf("%s did not reach it (is it serving TLS with the certificate of its handshake line?): %s", call, capText(status.Convert(err).Message()))
	}
	return fmt.Errorf("%s failed: %s", call, capText(status.Convert(err).Message()))
}

// dispenser is the least that go-plugin accepts as a plugin: it returns the connection.
type dispenser struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer is never called in a host.
func (dispenser) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("this is the host's side")
}

// GRPCClient returns the connection itself.
func (dispenser) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return grpc.ClientConnInterface(conn), nil
}
