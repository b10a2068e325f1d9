package integration

import (
	"fmt"
	"net"
	"testing"
)

// A port that another program takes between its choice and Caddy's start, as the tests of another package may, fails no
// test.
func TestSiteMovesFromATakenPort(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	taken := s.port
	other, err := net.Listen("tcp", fmt.Sprintf(":%d", taken))
	if err != nil {
		t.Skipf("the port is taken already: %v", err)
	}
	defer other.Close()
	s.start(t)
	if s.port == taken {
		t.Error("the site is where it was")
	}
	s.sendEvents(t, "car-1", 1)
}
