package command

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/explain"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// maxHead is the size of the largest header of a dumped request, in bytes.
const maxHead = 64 << 10

// question reads what the flags name.
func (f *signatureFlags) question(stdin io.Reader) (explain.Question, error) {
	none := explain.Question{}
	switch {
	case f.id != "" && (f.request != "" || f.body != "" || f.signature != ""):
		return none, misusedf("the request with this id has body and signature in it: leave --body, --signature and --request out")
	case f.id != "":
		return f.quarantined()
	case f.request != "" && (f.body != "" || f.signature != ""):
		return none, misusedf("--request has body and signature in it: leave --body and --signature out")
	case f.request == "" && f.body == "":
		return none, misusedf("--body is missing: name a file with the body as it came, or one with the whole request with" +
			" --request, or give the id of a request that caddy smartcar quarantine lists")
	case f.request == "" && f.signature == "":
		return none, misusedf("--signature is missing: give the header SC-Signature as it came")
	case f.request != "":
		dump, err := readAtMost(f.request, explain.MaxBody+maxHead, stdin)
		if err != nil {
			return none, fmt.Errorf("reading --request: %w", err)
		}
		q, err := parseDump(dump)
		if err != nil {
			return none, fmt.Errorf("reading --request: %w", err)
		}
		q.Source = f.source
		return q, nil
	}
	body, err := readAtMost(f.body, explain.MaxBody, stdin)
	if err != nil {
		return none, fmt.Errorf("reading --body: %w", err)
	}
	return explain.Question{Source: f.source, Body: body, Signature: f.signature}, nil
}

// quarantined asks the running Caddy for a request that it keeps.
func (f *signatureFlags) quarantined() (explain.Question, error) {
	c, err := f.admin.client()
	if err != nil {
		return explain.Question{}, err
	}
	var d api.QuarantinedDetail
	if _, err := c.Call(http.MethodGet, "quarantine/"+url.PathEscape(f.id), nil, nil, &d); err != nil {
		return explain.Question{}, err
	}
	return explain.Question{Source: cmp.Or(f.source, d.Source), Body: d.Body, Signature: d.Signature}, nil
}

// parseDump reads a request as it was on the wire, or as curl -v and proxies print it, with "> " before each line of
// its header. Errors do not show what is in it.
func parseDump(dump []byte) (explain.Question, error) {
	none := explain.Question{}
	head, body := cutHead(dump)
	var signatures []string
	length, chunked := -1, false
	for line := range strings.Lines(string(head)) {
		line = strings.TrimSpace(strings.TrimPrefix(line, ">"))
		name, value, ok := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !ok {
			continue // the request line
		}
		switch {
		case strings.EqualFold(name, smartcar.SignatureHeader):
			signatures = append(signatures, value)
		case strings.EqualFold(name, "Content-Length"):
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				return none, errors.New("its Content-Length is no number")
			}
			length = n
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked = strings.EqualFold(value, "chunked")
		}
	}
	if len(signatures) == 0 {
		return none, errors.New("there is no header SC-Signature in it: it must have the header of the request, an empty line," +
			" and the body. Without that header nothing can match: something on the way drops it")
	}
	switch {
	case chunked:
		plain, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(bytes.NewReader(body)), explain.MaxBody+1))
		if err == nil {
			body = plain
		} // else whoever dumped it has put the chunks together already
	case length > len(body):
		return none, fmt.Errorf("its body was cut off: Content-Length says %d bytes, and there are %d", length, len(body))
	case length >= 0:
		body = body[:length]
	}
	if len(body) > explain.MaxBody {
		return none, fmt.Errorf("its body has more than %d bytes", explain.MaxBody)
	}
	return explain.Question{Body: body, Signature: strings.Join(signatures, ", ")}, nil
}

// cutHead cuts a dump at the first empty line.
func cutHead(dump []byte) (head, body []byte) {
	rest := dump
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimSpace(bytes.TrimPrefix(line, []byte(">")))) == 0 {
			return dump[:len(dump)-len(rest)], after
		}
		rest = after
	}
	return dump, nil
}
