package main

import (
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
)

func TestPart(t *testing.T) {
	faults := []mutation.Fault{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	tests := []struct {
		text string
		want []string // nil: it is refused
	}{
		{"1/1", []string{"a", "b", "c"}},
		{"1/2", []string{"a", "c"}},
		{"2/2", []string{"b"}},
		{"0/2", nil},
		{"3/2", nil},
		{"1/0", nil},
		{"1", nil},
		{"1/2x", nil},
		{"", nil},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var p part
			err := p.Set(tt.text)
			if (err == nil) != (tt.want != nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				return
			}
			var got []string
			for _, f := range p.pick(faults) {
				got = append(got, f.Name)
			}
			if !slices.Equal(got, tt.want) || p.String() != tt.text {
				t.Errorf("%s picked %v, want %v", p.String(), got, tt.want)
			}
		})
	}
	var all part
	if got := all.pick(faults); len(got) != len(faults) {
		t.Errorf("without a part %v are picked", got)
	}
}
