package simulator

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func TestSummaryWrite(t *testing.T) {
	busy := newSummary()
	for i := range 12 {
		busy.begun(delivery{forged: i == 3, duplicate: i == 5})
	}
	for i := range 8 {
		busy.add(Result{Attempt: 1, Last: true, Status: 200, AnswerCode: "stored", Latency: time.Duration(i+1) * 1234567}, false)
	}
	busy.add(Result{Attempt: 1, Last: true, Forged: true, Status: 401, AnswerCode: "signature_mismatch", Latency: 98765}, false)
	busy.add(Result{Attempt: 1, Status: 503, Latency: time.Second, Problem: "the event was refused"}, false)
	busy.add(Result{Attempt: 2, Last: true, Err: syscall.ECONNREFUSED, Problem: "no answer"}, false)
	busy.add(Result{Attempt: 1, Last: true, Err: context.Canceled, Problem: "no answer"}, true)
	busy.finish(1234567 * time.Microsecond)

	empty := newSummary()
	empty.finish(0)

	for name, s := range map[string]*Summary{"busy": busy, "empty": empty} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := s.Write(&got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "summary-"+name+".golden")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSummaryWriteFails(t *testing.T) {
	r, w := io.Pipe()
	_ = r.Close()
	if err := newSummary().Write(w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

func TestLatency(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	tests := []struct {
		name   string
		sorted []time.Duration
		want   Latency
	}{
		{"none", nil, Latency{}},
		{"one", []time.Duration{7}, Latency{7, 7, 7, 7, 7}},
		{"two", []time.Duration{1, 9}, Latency{1, 1, 9, 9, 9}},
		{"hundred", hundred, Latency{1, 50, 90, 99, 100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := latencyOf(tt.sorted); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestFailureKind(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{fmt.Errorf("x: %w", context.DeadlineExceeded), "timeout"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "connection closed"},
		{fmt.Errorf("reading the answer: %w", io.ErrUnexpectedEOF), "connection closed"},
		{&net.DNSError{Err: "no such host", Name: "x"}, "host not found"},
		{errors.New("something else"), "connection failed"},
	}
	for _, tt := range tests {
		if got := failureKind(tt.err); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestAnswerCode(t *testing.T) {
	tests := []struct{ answer, want string }{
		{`{"error":"buffer_full","message":"x"}`, "buffer_full"},
		{`{"status":"duplicate"}` + "\n", "duplicate"},
		{`{"error":"a","status":"b"}`, "a"},
		{`{"error":{"code":"x"},"status":"b"}`, "b"},
		{`{"error":"Event 17 was not stored"}`, ""},
		{`<html>`, ""},
		{``, ""},
	}
	for _, tt := range tests {
		if got := answerCode([]byte(tt.answer)); got != tt.want {
			t.Errorf("answerCode(%s) = %q, want %q", tt.answer, got, tt.want)
		}
	}
}
