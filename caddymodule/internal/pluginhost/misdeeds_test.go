package pluginhost

import (
	"bytes"
	"slices"

	"google.golang.org/grpc"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// twofold is the handler service with a Handle that answers "twice" events two
// times, which grpc's own server does not let a unary method do.
func twofold() *grpc.ServiceDesc {
	service := handlerv1.HandlerService_ServiceDesc
	service.Methods = slices.DeleteFunc(slices.Clone(service.Methods), func(m grpc.MethodDesc) bool { return m.MethodName == "Handle" })
	service.Streams = []grpc.StreamDesc{{
		StreamName: "Handle", ServerStreams: true, ClientStreams: true,
		Handler: func(srv any, stream grpc.ServerStream) error {
			req := new(handlerv1.HandleRequest)
			if err := stream.RecvMsg(req); err != nil {
				return err
			}
			resp, err := srv.(handlerv1.HandlerServiceServer).Handle(stream.Context(), req)
			if err != nil {
				return err
			}
			answers := 1
			for _, e := range req.GetEvents() {
				if bytes.HasPrefix(e.GetPayload(), []byte("twice")) {
					answers = 2
				}
			}
			for range answers {
				if err := stream.SendMsg(resp); err != nil {
					return err
				}
			}
			return nil
		},
	}}
	return &service
}
