package pluginhost

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// maxHandshake bounds the first line of stdout. With a certificate in it a real one
// has about 1 KiB.
const maxHandshake = 16 << 10

// handshake takes the plugin's stdout. The first line goes to go-plugin, which
// reads it here; all that follows is the plugin's output and goes to rest.
type handshake struct {
	rest io.Writer // set before the first Write

	ready chan struct{} // closed when line is whole
	once  sync.Once
	line  []byte
	read  *bytes.Reader // of line, made when ready
}

func newHandshake() *handshake {
	return &handshake{ready: make(chan struct{})}
}

// Write is called by one goroutine.
func (h *handshake) Write(b []byte) (int, error) {
	n := len(b)
	select {
	case <-h.ready:
	default:
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 {
			end = len(b)
		}
		end = min(end, maxHandshake-len(h.line))
		h.line = append(h.line, b[:end]...)
		b = b[end:]
		if len(h.line) < maxHandshake && !bytes.HasSuffix(h.line, []byte("\n")) {
			return n, nil
		}
		h.end()
	}
	if _, err := h.rest.Write(b); err != nil {
		return 0, err
	}
	return n, nil
}

// end makes what was read so far the first line, at the latest when stdout ends.
func (h *handshake) end() {
	h.once.Do(func() {
		h.read = bytes.NewReader(h.line)
		close(h.ready)
	})
}

// Read blocks until the first line is there.
func (h *handshake) Read(b []byte) (int, error) {
	<-h.ready
	return h.read.Read(b)
}

// Close does nothing: the process's end ends the pipe.
func (h *handshake) Close() error { return nil }

// text is the first line, once it is there.
func (h *handshake) text() (line string, ok bool) {
	select {
	case <-h.ready:
		return strings.TrimSpace(string(h.line)), true
	default:
		return "", false
	}
}
