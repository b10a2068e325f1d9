package receiver

import (
	"net/http"
	"strings"
	"testing"
)

func TestCheckHead(t *testing.T) {
	const maxSize = 1000
	for _, tc := range []struct {
		name        string
		method      string
		contentType []string
		encoding    []string
		length      int64
		want        *refusal
	}{
		{name: "as Smartcar sends it", contentType: []string{"application/json"}},
		{name: "with a charset", contentType: []string{"application/json; charset=utf-8"}},
		{name: "with any charset and parameter", contentType: []string{`application/json;charset=latin1; a="b;c"`}},
		{name: "in capitals", contentType: []string{"Application/JSON"}},
		{name: "with a broken parameter", contentType: []string{"application/json;;"}},
		{name: "GET", method: http.MethodGet, contentType: []string{"application/json"}, want: refuseMethod},
		{name: "PUT", method: http.MethodPut, contentType: []string{"application/json"}, want: refuseMethod},
		{name: "lower-case post", method: "post", contentType: []string{"application/json"}, want: refuseMethod},
		{name: "no content type", want: refuseContentType},
		{name: "an empty content type", contentType: []string{""}, want: refuseContentType},
		{name: "two content types", contentType: []string{"application/json", "application/json"}, want: refuseContentType},
		{name: "another json", contentType: []string{"application/json-patch+json"}, want: refuseContentType},
		{name: "a form", contentType: []string{"application/x-www-form-urlencoded"}, want: refuseContentType},
		{name: "gzip", contentType: []string{"application/json"}, encoding: []string{"gzip"}, want: refuseEncoding},
		{name: "identity", contentType: []string{"application/json"}, encoding: []string{"identity"}},
		{name: "identity, then gzip", contentType: []string{"application/json"}, encoding: []string{"identity", "gzip"}, want: refuseEncoding},
		{name: "as long as allowed", contentType: []string{"application/json"}, length: maxSize},
		{name: "a byte longer", contentType: []string{"application/json"}, length: maxSize + 1, want: refuseSize},
		{name: "of unknown length", contentType: []string{"application/json"}, length: -1},
		{name: "the method comes first", method: http.MethodGet, length: maxSize + 1, want: refuseMethod},
		{name: "the type comes before the size", length: maxSize + 1, want: refuseContentType},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{Method: http.MethodPost, Header: http.Header{}, ContentLength: tc.length}
			if tc.method != "" {
				r.Method = tc.method
			}
			if tc.contentType != nil {
				r.Header["Content-Type"] = tc.contentType
			}
			if tc.encoding != nil {
				r.Header["Content-Encoding"] = tc.encoding
			}
			if got := checkHead(r, maxSize); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestCheckSignatureHeader(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	for _, tc := range []struct {
		name   string
		values []string
		want   *refusal
	}{
		{name: "none"},
		{name: "64 digits", values: []string{hex}},
		{name: "in capitals", values: []string{strings.ToUpper(hex)}},
		{name: "empty", values: []string{""}, want: refuseMalformed},
		{name: "63 digits", values: []string{hex[1:]}, want: refuseMalformed},
		{name: "65 digits", values: []string{hex + "0"}, want: refuseMalformed},
		{name: "a letter too far", values: []string{"g" + hex[1:]}, want: refuseMalformed},
		{name: "with a prefix", values: []string{"sha256=" + hex}, want: refuseMalformed},
		{name: "the same twice", values: []string{hex, hex}, want: refuseSignatures},
		{name: "two in one line", values: []string{hex + ", " + hex}, want: refuseMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{Header: http.Header{}}
			for _, v := range tc.values {
				r.Header.Add("SC-Signature", v)
			}
			if _, got := checkSignatureHeader(r); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
