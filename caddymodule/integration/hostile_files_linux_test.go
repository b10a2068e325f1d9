package integration

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// A sender who takes every file descriptor that Caddy may have keeps others from
// connecting, but does not break the buffer: what comes on connections that are there is
// stored, in as many new files as that takes, and when the sender is gone all is as before.
func TestHostileSenderTakesAllFiles(t *testing.T) {
	const files = 400
	s := newSite(t)
	p := s.startAdmin(t)
	h := &hostile{s: s, p: p}
	ids := s.sendEvents(t, "car", 3) // over the connection that the rest is sent on
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: files}, nil); err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for range files {
		conn, err := net.DialTimeout("tcp", h.address(), 5*time.Second)
		if err != nil {
			t.Fatal(err) // the kernel takes connections that Caddy does not
		}
		conns = append(conns, conn)
	}
	waitFor(t, "Caddy has no descriptor left", 20*time.Second, func() bool { return len(openFiles(t, p.cmd.Process.Pid)) >= files-1 })

	// 40 MiB are more than one log and one table.
	for range 250 {
		id := uuid.NewString()
		body := smartcar.Sample{EventID: id, VehicleID: "car", DeliveryID: id, RecordedAt: time.Now(), Mode: "LIVE", Size: 160 << 10}.VehicleState()
		status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body))
		if err != nil || status != http.StatusOK {
			t.Fatalf("%d, %v\n%s", status, err, s.log())
		}
		ids = append(ids, id)
	}
	if strings.Contains(s.log(), "halted") {
		t.Errorf("the buffer is halted\n%s", s.log())
	}
	for _, conn := range conns {
		conn.Close()
	}
	s.client.CloseIdleConnections()
	ids = append(ids, s.sendEvents(t, "car", 3)...)
	waitFor(t, "all events are delivered", 30*time.Second, func() bool { return len(s.received(t)) >= len(ids) })
	if got := s.received(t); len(got) != len(ids) {
		t.Errorf("%d deliveries of %d events", len(got), len(ids))
	}
}
