package buffertest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

func testMemo(t *testing.T, f *fixture) {
	f.appendN(4)
	c := f.consumer("h")
	f.lease(c, 4)
	f.memo(c, "k", "")
	value := []byte("one")
	f.settle(c,
		buffer.Outcome{Position: 1, Verb: buffer.Done, Memo: &buffer.Memo{Key: "k", Value: value}},
		buffer.Outcome{Position: 2, Verb: buffer.Defer, Lane: "l", Memo: memo("deferred", "d")},
		buffer.Outcome{Position: 3, Verb: buffer.Dead, Reason: buffer.ReasonRejected, Memo: memo("dead", "x")},
		buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("note\x00", "n")},
		buffer.Outcome{Verb: buffer.PutMemo},
	)
	clear(value)
	f.memo(c, "k", "one")
	got, err := c.Memo(f.ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	f.crash()
	c = f.consumer("h")
	for key, want := range map[string]string{"k": "one", "deferred": "d", "dead": "x", "note\x00": "n", "no": "", "note": ""} {
		f.memo(c, key, want)
	}
	f.memo(f.consumer("other"), "k", "")
	// The last one stays, and nil removes.
	f.settle(c,
		buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("k", "two")}, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("k", "three")},
		buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("dead", "y")}, buffer.Outcome{Verb: buffer.PutMemo, Memo: &buffer.Memo{Key: "dead"}},
		buffer.Outcome{Verb: buffer.PutMemo, Memo: &buffer.Memo{Key: "deferred"}}, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("deferred", "back")},
	)
	f.memo(c, "k", "three")
	f.memo(c, "dead", "")
	f.memo(c, "deferred", "back")
	f.settle(c, buffer.Outcome{Verb: buffer.PutMemo, Memo: &buffer.Memo{Key: "empty", Value: []byte{}}})
	if v, err := c.Memo(f.ctx, "empty"); err != nil || v == nil || len(v) != 0 {
		t.Fatalf("an empty memo is %v, %v", v, err)
	}
	f.reopen()
	c = f.consumer("h")
	f.memo(c, "k", "three")
	f.memo(c, "dead", "")
}

func (f *fixture) memos(c buffer.Consumer, prefix string) (all []string) {
	f.t.Helper()
	for m, err := range c.Memos(f.ctx, prefix) {
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, m.Key+"="+string(m.Value))
	}
	return all
}

func testMemos(t *testing.T, f *fixture) {
	c := f.consumer("h")
	var many []buffer.Outcome
	var want []string
	for i := range 600 {
		key := fmt.Sprintf("many/%04d", i)
		many = append(many, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo(key, "v")})
		want = append(want, key+"=v")
	}
	f.settle(c, many...)
	for _, key := range []string{"a", "man", "many", "many0", "\xff\xff", "z"} {
		f.settle(c, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo(key, "1")})
	}
	// Of names that begin alike, and one behind.
	for _, name := range []string{"g", "h2", "i"} {
		f.settle(f.consumer(name), buffer.Outcome{Verb: buffer.PutMemo, Memo: memo("many/x", "2")})
	}
	f.equal("memos by prefix", want, f.memos(c, "many/"))
	f.equal("memos of 0xff", []string{"\xff\xff=1"}, f.memos(c, "\xff"))
	f.equal("no memos", []string(nil), f.memos(c, "nothing"))
	if n := len(f.memos(c, "")); n != 606 {
		t.Fatalf("%d memos, want 606", n)
	}
	// The caller may use the buffer while it has the turn, and stop.
	for m, err := range c.Memos(f.ctx, "many/") {
		if err != nil {
			t.Fatal(err)
		}
		f.settle(c, buffer.Outcome{Verb: buffer.PutMemo, Memo: &buffer.Memo{Key: m.Key}})
		break
	}
	f.equal("memos with one removed", want[1:], f.memos(c, "many/"))
}

func testMemoIgnored(_ *testing.T, f *fixture) {
	f.appendN(2)
	c := f.consumer("h")
	f.lease(c, 1)
	f.settle(c, done(1)...)
	f.settle(c,
		buffer.Outcome{Position: 1, Verb: buffer.Done, Memo: memo("again", "x")},
		buffer.Outcome{Position: 2, Verb: buffer.Done, Memo: memo("not leased", "x")},
		buffer.Outcome{Position: 2, Verb: buffer.PutMemo, Memo: memo("note", "x")},
	)
	f.memo(c, "again", "")
	f.memo(c, "not leased", "")
	f.memo(c, "note", "x")
}

func testMemoKey(t *testing.T, f *fixture) {
	f.append("1")
	c := f.consumer("h")
	f.lease(c, 1)
	for _, n := range []int{0, 1025} {
		err := c.Settle(f.ctx, buffer.Outcome{Position: 1, Verb: buffer.Done, Memo: memo(strings.Repeat("k", n), "x")})
		if err == nil {
			t.Fatalf("a key of %d bytes was taken", n)
		}
	}
	longest := strings.Repeat("k", 1024)
	f.settle(c, buffer.Outcome{Position: 1, Verb: buffer.Done, Memo: memo(longest, "x")})
	f.memo(c, longest, "x")
}

func testMemoParallel(t *testing.T, f *fixture) {
	c := f.consumer("h")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				key := fmt.Sprint("k", w)
				if err := c.Settle(f.ctx, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo(key, fmt.Sprint(i))}); err != nil {
					t.Error(err)
					return
				}
				if got, err := c.Memo(f.ctx, key); err != nil || string(got) != fmt.Sprint(i) {
					t.Errorf("got %q, %v; want %d", got, err, i)
					return
				}
			}
		})
	}
	wg.Wait()
	f.crash()
	c = f.consumer("h")
	for w := range 8 {
		f.memo(c, fmt.Sprint("k", w), "49")
	}
}
