package quarantine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// A file is a line with a checksum and the length of the header, the header as JSON, and the body as it came:
//
//	smartcar-quarantine 1 9b1c64ef 312
//	{"source":"production", …}
//	{"eventId": …
const (
	magic      = "smartcar-quarantine "
	firstLine  = magic + "1 %08x %d\n"
	mostHeader = 2 << 10
	// headRead is enough for the first line and the header.
	headRead = 64 + mostHeader
)

var (
	// errDamaged says that a file is not as it was written.
	errDamaged = errors.New("a file of the quarantine is damaged")
	// errLater says that a file may well be as it was written, by a later version.
	errLater = errors.New("a file of the quarantine was written by a later version")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a file has beside the body.
type header struct {
	Source string `json:"source"`
	// Stamp is by the buffer's clock, ReceivedAt by the system's.
	Stamp       int64     `json:"stamp"`
	ReceivedAt  time.Time `json:"received_at"`
	Code        string    `json:"code"`
	Signature   string    `json:"signature"`
	ContentType string    `json:"content_type"`
	Network     string    `json:"network"`
	// EventID and Mode are what the body claims, if they have the form of one.
	EventID string `json:"event_id,omitempty"`
	Mode    string `json:"mode,omitempty"`
	// Key tells the attempts of one event from others.
	Key string `json:"key"`
	// Size is that of the body.
	Size int `json:"size"`
}

// encode makes a file.
func encode(h *header, body []byte) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(text) > mostHeader {
		return nil, fmt.Errorf("a header of %d bytes: at most %d are written", len(text), mostHeader)
	}
	text = append(text, '\n')
	sum := crc32.Update(crc32.Checksum(text, castagnoli), castagnoli, body)
	file := fmt.Appendf(make([]byte, 0, 64+len(text)+len(body)), firstLine, sum, len(text))
	return append(append(file, text...), body...), nil
}

// isLater reports whether a file says that it has a format after this one.
func isLater(head []byte) bool {
	rest, ok := bytes.CutPrefix(head, []byte(magic))
	version, _, _ := bytes.Cut(rest, []byte{' '})
	n, err := strconv.Atoi(string(version[:min(len(version), 9)]))
	return ok && err == nil && n > 1
}

// decodeHead reads the header from the beginning of a file of a size. The checksum is not looked at.
func decodeHead(head []byte, size int64) (h header, sum uint32, at int, err error) {
	if isLater(head) {
		return header{}, 0, 0, errLater
	}
	line, rest, ok := bytes.Cut(head, []byte{'\n'})
	var length int
	if n, err := fmt.Sscanf(string(line)+"\n", firstLine, &sum, &length); !ok || n != 2 || err != nil {
		return header{}, 0, 0, errDamaged
	}
	if length < 1 || length > mostHeader+1 || length > len(rest) || rest[length-1] != '\n' {
		return header{}, 0, 0, errDamaged
	}
	if json.Unmarshal(rest[:length], &h) != nil {
		return header{}, 0, 0, errDamaged
	}
	at = len(line) + 1
	if h.Size < 0 || size != int64(at)+int64(length)+int64(h.Size) || h.Source == "" || h.Stamp <= 0 {
		return header{}, 0, 0, errDamaged
	}
	return h, sum, at, nil
}

// decode reads a whole file.
func decode(file []byte) (h header, body []byte, err error) {
	h, sum, at, err := decodeHead(file, int64(len(file)))
	if err != nil {
		return header{}, nil, err
	}
	if crc32.Checksum(file[at:], castagnoli) != sum {
		return header{}, nil, errDamaged
	}
	return h, file[len(file)-h.Size:], nil
}

// plainType is a header Content-Type that is kept as it came: a sane one. Another one is replaced by what the receiver
// has checked that it says.
func plainType(value string) string {
	if value == "" || len(value) > 256 {
		return "application/json"
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' {
			return "application/json"
		}
	}
	return value
}
