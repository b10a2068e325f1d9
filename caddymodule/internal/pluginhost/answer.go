package pluginhost

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

const (
	// maxResultBytes is how much one result may have on the wire. Package sdk sends some 2 KiB at
	// most; of a longer text no more is kept.
	maxResultBytes = 64 << 10
	// maxReplyBytes is how much the reply to any other call may have: a schema, diagnostics.
	maxReplyBytes = 256 << 10
)

// answerError says that a plugin's answer to a Handle call cannot be used, because of the plugin:
// nobody knows which result is whose, and taking one event's for another's would lose that. So none
// of the events is finished.
type answerError struct{ results, events int }

func (e *answerError) Error() string {
	return fmt.Sprintf("the plugin gave %d results for %d events, so it is not known which of them are finished",
		e.results, e.events)
}

// answerBytes is how much the answer to a call with so many events may have.
func answerBytes(events int) int { return min(events*maxResultBytes, handlerv1.MaxMessageBytes) }

// answerCodec reads the answer to one Handle call. An empty result takes two bytes on the wire and a
// hundred in memory, so results are counted before there is memory for them.
type answerCodec struct {
	encoding.CodecV2
	events int
	// wrong is set where there are too many; gRPC keeps no more of an error than its text.
	wrong *answerError
}

// options are those of the call whose answer c reads.
func (c *answerCodec) options() []grpc.CallOption {
	return []grpc.CallOption{grpc.ForceCodecV2(c), grpc.MaxCallRecvMsgSize(answerBytes(c.events))}
}

// Unmarshal implements encoding.CodecV2.
func (c *answerCodec) Unmarshal(data mem.BufferSlice, v any) error {
	answer, ok := v.(*handlerv1.HandleResponse)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	results, err := countResults(buf.ReadOnlyData())
	if err != nil {
		return err
	}
	if results > c.events {
		c.wrong = &answerError{results: results, events: c.events}
		return c.wrong
	}
	return proto.Unmarshal(buf.ReadOnlyData(), answer)
}

// countResults counts the results in the wire form of a HandleResponse.
func countResults(answer []byte) (int, error) {
	const field = 1
	count := 0
	for len(answer) > 0 {
		number, kind, n := protowire.ConsumeTag(answer)
		if n < 0 {
			return 0, protowire.ParseError(n)
		}
		answer = answer[n:]
		if n = protowire.ConsumeFieldValue(number, kind, answer); n < 0 {
			return 0, protowire.ParseError(n)
		}
		answer = answer[n:]
		if number == field && kind == protowire.BytesType {
			count++
		}
	}
	return count, nil
}
