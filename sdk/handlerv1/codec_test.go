package handlerv1_test

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// What the codec writes and reads is what gRPC's own does, also when a buffer is used
// again.
func TestCodec(t *testing.T) {
	codec, plain := handlerv1.NewCodec(), encoding.GetCodecV2(grpcproto.Name)
	if codec.Name() != plain.Name() {
		t.Errorf("the name is %q, want %q", codec.Name(), plain.Name())
	}
	batch := func(events, size int) proto.Message {
		r := new(handlerv1.HandleRequest)
		for i := range events {
			r.Events = append(r.Events, &handlerv1.Event{Id: "e", Payload: bytes.Repeat([]byte{byte(i)}, size)})
		}
		return r
	}
	for _, c := range []struct {
		name string
		msg  proto.Message
	}{
		{"no event", batch(0, 0)},
		{"small", batch(1, 2000)},
		{"batch", batch(50, 2000)},
		{"larger batch", batch(200, 3000)},
		{"smaller batch again", batch(40, 1500)},
		{"as large as a message may be", batch(15, 1<<20)},
		{"other message", &grpc_health_v1.HealthCheckRequest{Service: "plugin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			written, err := codec.Marshal(c.msg)
			if err != nil {
				t.Fatal(err)
			}
			want, err := plain.Marshal(c.msg)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(written.Materialize(), want.Materialize()) {
				t.Error("other bytes than gRPC's codec")
			}
			got := c.msg.ProtoReflect().New().Interface()
			if err := codec.Unmarshal(written, got); err != nil {
				t.Fatal(err)
			}
			written.Free()
			if !proto.Equal(c.msg, got) {
				t.Error("another message was read than was written")
			}
		})
	}
}

func BenchmarkCodec(b *testing.B) {
	r := new(handlerv1.HandleRequest)
	for range 50 {
		r.Events = append(r.Events, &handlerv1.Event{Payload: make([]byte, 2000)})
	}
	for _, c := range []struct {
		name  string
		codec encoding.CodecV2
	}{{"gRPC's", encoding.GetCodecV2(grpcproto.Name)}, {"for batches", handlerv1.NewCodec()}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				data, err := c.codec.Marshal(r)
				if err != nil {
					b.Fatal(err)
				}
				data.Free()
			}
		})
	}
}
