package buffer

// TraceParent names a span of a trace, as the header traceparent of W3C's Trace Context does. The zero value names none.
// A buffer keeps it as it is, and goes by nothing in it.
type TraceParent struct {
	TraceID [16]byte
	SpanID  [8]byte
	Flags   byte
}
