package sdk_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// hostSide is what go-plugin's client needs of a plugin.
type hostSide struct{ plugin.NetRPCUnsupportedPlugin }

func (hostSide) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (hostSide) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return handlerv1.NewHandlerServiceClient(conn), nil
}

// TestServeUnderGoPlugin: go-plugin's own client with mutual TLS gets on with
// Serve, and its way of ending a plugin closes the handler.
func TestServeUnderGoPlugin(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{runAsPlugin + "=1", "GOCOVERDIR=" + t.TempDir()}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: handlerv1.CookieKey, MagicCookieValue: handlerv1.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{handlerv1.ProtocolVersion: {handlerv1.PluginName: hostSide{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              cmd,
		AutoMTLS:         true,
		SkipHostEnv:      true,
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	conn, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(); err != nil {
		t.Error(err)
	}
	dispensed, err := conn.Dispense(handlerv1.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	service := dispensed.(handlerv1.HandlerServiceClient)
	resp, err := service.Configure(t.Context(), &handlerv1.ConfigureRequest{ConfigJson: []byte(`{"marker":` + quote(marker) + `}`)})
	if err != nil || len(resp.GetDiagnostics()) > 0 {
		t.Fatalf("%v, %v", resp, err)
	}
	client.Kill()
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("the handler was not closed: %v", err)
	}
}
