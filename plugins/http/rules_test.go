package http

import (
	"maps"
	"testing"
)

func TestRules(t *testing.T) {
	tests := map[string]struct {
		rules map[string]string
		want  map[int]fate
	}{
		"none": {nil, map[int]fate{
			101: fateRetry, 300: fateRetry, 304: fateRetry, 400: fateReject, 401: fateUnavailable, 402: fateRetry,
			403: fateUnavailable, 404: fateRetry, 405: fateRetry, 408: fateRetry, 410: fateRetry, 413: fateReject,
			415: fateReject, 422: fateReject, 429: fateRetry, 500: fateRetry,
			502: fateUnavailable, 503: fateUnavailable, 504: fateUnavailable, 999: fateRetry,
		}},
		"one status": {map[string]string{"404": "reject"}, map[int]fate{404: fateReject, 405: fateRetry}},
		"a class replaces the defaults within it": {map[string]string{"4xx": "retry"}, map[int]fate{
			400: fateRetry, 401: fateRetry, 422: fateRetry, 500: fateRetry, 302: fateRetry}},
		"a status goes before its class": {map[string]string{"4xx": "retry", "401": "unavailable", "409": "done"}, map[int]fate{
			400: fateRetry, 401: fateUnavailable, 409: fateDone}},
		"other classes": {map[string]string{"3xx": "reject", "5xx": "unavailable", "501": "reject"}, map[int]fate{
			301: fateReject, 500: fateUnavailable, 501: fateReject, 400: fateReject, 404: fateRetry}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, errs := newRules(tt.rules)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			got := map[int]fate{}
			for status := range tt.want {
				got[status] = r.of(status)
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
