package keyring

import (
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	first  = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	second = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
)

func TestVerify(t *testing.T) {
	var r Ring
	r.Add("production", smartcar.NewKeys(first))
	r.Add("production", smartcar.NewKeys("another-token-of-its-own", second))
	r.Add("test", smartcar.NewKeys(second))
	body := []byte(`{"a":1}`)
	for name, c := range map[string]struct {
		source, key string
		token       int
	}{
		"the first receiver":        {"production", first, 1},
		"the second one's last":     {"production", second, 2},
		"another source":            {"test", second, 1},
		"a token of another source": {"test", first, 0},
		"no such source":            {"staging", first, 0},
	} {
		t.Run(name, func(t *testing.T) {
			token, ok := r.Verify(c.source, body, smartcar.Sign(c.key, body))
			if token != c.token || ok != (c.token > 0) {
				t.Errorf("got token %d, %t, want %d", token, ok, c.token)
			}
		})
	}
	if got, want := r.Sources(), []string{"production", "test"}; !slices.Equal(got, want) {
		t.Errorf("sources are %v, want %v", got, want)
	}
	if n := len(r.Of("production")); n != 2 {
		t.Errorf("production has %d receivers, want 2", n)
	}
}

func TestSame(t *testing.T) {
	ring := func(tokens ...string) *Ring {
		r := new(Ring)
		r.Add("production", smartcar.NewKeys(tokens...))
		return r
	}
	elsewhere, more := new(Ring), ring(first)
	elsewhere.Add("test", smartcar.NewKeys(first))
	more.Add("production", smartcar.NewKeys(first))
	for name, c := range map[string]struct {
		other any
		want  bool
	}{
		"the same":          {ring(first), true},
		"another token":     {ring(second), false},
		"one more":          {ring(first, second), false},
		"another source":    {elsewhere, false},
		"one more receiver": {more, false},
		"none":              {new(Ring), false},
		"no ring":           {first, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ring(first).Same(c.other); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
