// Package serve runs the server of a plugin: as a process of its own for package sdk, or within a test for package
// sdktest.
package serve

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// Server answers the host for one plugin.
type Server interface {
	handlerv1.HandlerServiceServer

	// Stop takes no more calls, waits for those in flight and closes the handler.
	Stop(ctx context.Context) error
}

// stopTimeout is how long a plugin may take to close when no host waits for it.
const stopTimeout = time.Second

// Stop stops the server of a host that ended without calling Shutdown.
func Stop(srv Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	// The server has logged the error, and nobody is left to be told.
	_ = srv.Stop(ctx)
}

// The windows of HTTP/2: how many bytes may be under way to the plugin, in one call and in all.
const (
	streamWindow = 1 << 20
	connWindow   = 16 << 20
)

// Config is how go-plugin serves srv.
func Config(srv Server, log hclog.Logger) *plugin.ServeConfig {
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
				// A whole batch fits, so that its sender does not wait for room.
				grpc.StaticStreamWindowSize(streamWindow),
				grpc.StaticConnWindowSize(connWindow),
			)...)
		},
		Logger: log,
	}
}

// grpcPlugin is the server in the shape that go-plugin asks for.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin

	srv Server
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
