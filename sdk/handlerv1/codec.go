package handlerv1

import (
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// smallestBatch is the size of the smallest buffer for batches, in bytes. The next has twice that, and so on up to
// [MaxMessageBytes].
const smallestBatch = 64 << 10

// batchCodec is gRPC's codec for protobuf, with buffers of its own for requests with batches. gRPC's buffers have 32
// KiB or 1 MiB, and each message clears a whole one; a batch of 50 events has some 100 KiB.
type batchCodec struct {
	encoding.CodecV2
	pool mem.BufferPool
}

// NewCodec returns the codec for one end of a connection. It writes what gRPC's own codec writes.
func NewCodec() encoding.CodecV2 {
	var sizes []int
	for size := smallestBatch; size <= MaxMessageBytes; size *= 2 {
		sizes = append(sizes, size)
	}
	return &batchCodec{CodecV2: encoding.GetCodecV2(grpcproto.Name), pool: mem.NewTieredBufferPool(sizes...)}
}

// Marshal implements encoding.CodecV2.
func (c *batchCodec) Marshal(v any) (mem.BufferSlice, error) {
	request, ok := v.(*HandleRequest)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	size := proto.Size(request)
	if size <= smallestBatch/2 {
		return c.CodecV2.Marshal(v)
	}
	buf := c.pool.Get(size)
	if _, err := (proto.MarshalOptions{UseCachedSize: true}).MarshalAppend((*buf)[:0], request); err != nil {
		c.pool.Put(buf)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(buf, c.pool)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (c *batchCodec) Unmarshal(data mem.BufferSlice, v any) error {
	request, ok := v.(*HandleRequest)
	if !ok || data.Len() <= smallestBatch/2 {
		return c.CodecV2.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(c.pool)
	defer buf.Free()
	return proto.Unmarshal(buf.ReadOnlyData(), request)
}
