package format

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"

// traceParentSize is the size of a trace id, a span id and the flags.
const traceParentSize = 16 + 8 + 1

func appendTraceParent(dst []byte, p *buffer.TraceParent) []byte {
	dst = append(dst, p.TraceID[:]...)
	dst = append(dst, p.SpanID[:]...)
	return append(dst, p.Flags)
}

func (r *reader) traceParent() (p buffer.TraceParent) {
	if len(r.b)-r.off < traceParentSize {
		r.fail()
		return p
	}
	r.off += copy(p.TraceID[:], r.b[r.off:])
	r.off += copy(p.SpanID[:], r.b[r.off:])
	p.Flags = r.byte()
	return p
}
