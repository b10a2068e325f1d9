package main

import (
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
)

// part is one of several parts of a list, such as 1/2; the zero value is all of it.
type part struct{ number, of int }

// String implements flag.Value.
func (p *part) String() string {
	if p.of == 0 {
		return "1/1"
	}
	return fmt.Sprintf("%d/%d", p.number, p.of)
}

// Set implements flag.Value.
func (p *part) Set(text string) error {
	read := part{}
	if _, err := fmt.Sscanf(text, "%d/%d", &read.number, &read.of); err != nil || text != read.String() {
		return errors.New("write it like 1/2")
	}
	if read.number < 1 || read.number > read.of {
		return fmt.Errorf("there is no part %d of %d", read.number, read.of)
	}
	*p = read
	return nil
}

// pick returns the part's share: of each area some, and over all parts each fault once.
func (p *part) pick(faults []mutation.Fault) []mutation.Fault {
	if p.of == 0 {
		return faults
	}
	var picked []mutation.Fault
	for i := p.number - 1; i < len(faults); i += p.of {
		picked = append(picked, faults[i])
	}
	return picked
}
