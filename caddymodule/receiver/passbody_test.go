package receiver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// A body can be read again only as a whole.
func TestPassBody(t *testing.T) {
	const text = "all of it"
	b := &passBody{body: []byte(text)}
	for range 3 {
		if got, err := io.ReadAll(iotest.OneByteReader(b)); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := b.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // io.Reader says this one
			t.Errorf("after the end: %v", err)
		}
		for range 2 { // a second one changes nothing
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := io.ReadFull(b, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(b); err == nil || len(got) > 0 {
		t.Errorf("the rest of a half-read body can be read: %q", got)
	}
}

func TestSetBody(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.ContentLength, r.TransferEncoding, r.Trailer = -1, []string{"chunked"}, http.Header{"X": nil}
	setBody(r, []byte("body"))
	again, err := r.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []io.Reader{r.Body, again} {
		if got, err := io.ReadAll(src); err != nil || string(got) != "body" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if r.ContentLength != 4 || r.Header.Get("Content-Length") != "4" || r.TransferEncoding != nil || r.Trailer != nil {
		t.Errorf("length %d, header %v, encoding %v, trailer %v", r.ContentLength, r.Header, r.TransferEncoding, r.Trailer)
	}
}
