package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// lastWords is how long a plugin takes to close when nobody waits for it.
const lastWords = time.Second

// Serve runs p as a plugin process until the host ends it; it is all that main
// does, and it does not return. Started by hand it prints what to do instead.
//
// While Serve runs, slog's default logger and package log go to the host's log,
// and so does what is printed on stdout and stderr. The process ends when the
// host is gone, whichever way that came; SIGINT and SIGTERM are left to the host,
// which stops its plugins when their events are finished.
func Serve(p *Plugin) {
	if os.Getenv(handlerv1.CookieKey) != handlerv1.CookieValue {
		fmt.Fprint(os.Stderr, usage(p, os.Args))
		os.Exit(1)
	}
	// go-plugin replaces os.Stderr below; records belong on the real one.
	stderr := os.Stderr
	log := newJSONLog(stderr)
	slog.SetDefault(log)
	srv := newServer(p, log)
	srv.stderr = stderr
	if isLifeline(os.Stdin) {
		swallowSignals(log)
		go func() {
			waitForEOF(os.Stdin)
			log.Info("the host is gone; ending")
			farewell(srv)
			os.Exit(0)
		}()
	}
	plugin.Serve(serveConfig(srv, hclog.New(&hclog.LoggerOptions{
		Level: hclog.Warn, Output: stderr, JSONFormat: true,
	})))
	farewell(srv)
	os.Exit(0)
}

// farewell closes the handler of a host that did not say goodbye.
func farewell(srv *server) {
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	// The error is in the log already, and nobody is left to hear it.
	_ = srv.stop(ctx)
}

// The windows of HTTP/2: how much may be under way to the plugin, in bytes, in one call
// and in all.
const (
	streamWindow = 1 << 20
	connWindow   = 16 << 20
)

func serveConfig(srv *server, log hclog.Logger) *plugin.ServeConfig {
	return &plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: handlerv1.CookieKey, MagicCookieValue: handlerv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{
			handlerv1.ProtocolVersion: {handlerv1.PluginName: &grpcPlugin{srv: srv}},
		},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts,
				grpc.MaxRecvMsgSize(handlerv1.MaxMessageBytes),
				grpc.MaxSendMsgSize(handlerv1.MaxMessageBytes),
				grpc.ForceServerCodecV2(handlerv1.NewCodec()),
				// A batch is to arrive without a wait for room in between.
				grpc.StaticStreamWindowSize(streamWindow),
				grpc.StaticConnWindowSize(connWindow),
			)...)
		},
		Logger: log,
	}
}

// grpcPlugin is the plugin in the shape that go-plugin asks for.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin

	srv *server
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)

// GRPCServer implements plugin.GRPCPlugin.
func (g *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	handlerv1.RegisterHandlerServiceServer(s, g.srv)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (g *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return handlerv1.NewHandlerServiceClient(conn), nil
}
