package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const rotatedToken = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"

// withTokens is the site's Caddyfile with tokens from files, the first one first.
func (s *site) withTokens(names ...string) string {
	var lines []string
	for _, name := range names {
		lines = append(lines, "token {file."+filepath.Join(s.dir, name)+"}")
	}
	return strings.Replace(s.caddyfile("7d"), "token {env.SMARTCAR_TOKEN}", strings.Join(lines, "\n\t\t"), 1)
}

// signatures is what the admin API says of a source's signatures.
type signatures struct {
	Live struct {
		Signed      uint64
		SinceSigned uint64 `json:"refused_since_signed"`
		AllRefused  bool   `json:"all_refused"`
	}
	Tokens []struct {
		Matched   uint64
		Removable bool
	}
}

// signatures returns those of the only source, and whether all is well.
func (s *site) signatures(t *testing.T) (of signatures, healthy bool) {
	t.Helper()
	var v struct {
		Healthy bool
		Sources []signatures
	}
	s.get(t, "/smartcar/status", &v)
	if len(v.Sources) != 1 {
		t.Fatalf("%d sources", len(v.Sources))
	}
	return v.Sources[0], v.Healthy
}

// verify returns the answer to a VERIFY.
func (s *site) verify(t *testing.T, challenge string) string {
	t.Helper()
	body := `{"eventId":"v-1","eventType":"VERIFY","data":{"challenge":"` + challenge + `"}}`
	resp, err := s.client.Post(s.url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Challenge string }
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, &answer)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s: %v", resp.StatusCode, data, err)
	}
	return answer.Challenge
}

// docs/rotation.md, step by step, under load: no request is refused, no event lost, and the matches move from the old
// token to the new one.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, "old", testToken+"\n")
	s.write(t, "new", rotatedToken+"\n")
	s.write(t, "Caddyfile", s.withTokens("old"))
	s.start(t)
	f := newFleet(s, 8)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		f.run(ctx)
		close(sent)
	}()
	more := func(what string) {
		t.Helper()
		goal := f.total() + 100
		waitFor(t, what, 30*time.Second, func() bool { return f.total() >= goal })
	}
	load := func(tokens ...string) {
		t.Helper()
		if err := s.adminLoad(t.Context(), s.withTokens(tokens...)); err != nil {
			t.Fatalf("%v\n%s", err, s.log())
		}
	}
	matched := func() (counts []uint64) {
		t.Helper()
		v, _ := s.signatures(t)
		for _, k := range v.Tokens {
			counts = append(counts, k.Matched)
		}
		return counts
	}
	more("events before the rotation")

	load("new", "old")
	before := matched()
	if len(before) != 2 || before[0] != 0 || before[1] < 100 {
		t.Errorf("right after the reload the tokens have matched %v", before)
	}
	more("events of the old token, as the second")
	if after := matched(); after[0] != 0 || after[1] < before[1]+100 {
		t.Errorf("the old token has matched %v, and %v before", after, before)
	}
	if got, want := s.verify(t, "Qx7mT2vLp9Rk4ZsA"), smartcar.Sign(rotatedToken, []byte("Qx7mT2vLp9Rk4ZsA")); got != want {
		t.Error("VERIFY is not answered with the new token")
	}

	// A config without the old token is refused after all: nothing is as it says.
	broken := s.withTokens("new") + fmt.Sprintf("http:// {\n\tbind unix/%s/missing/s\n}\n", s.dir)
	if err := s.adminLoad(t.Context(), broken); err == nil {
		t.Fatal("a site that cannot listen is taken")
	}
	if now := matched(); len(now) != 2 || now[1] < before[1]+100 {
		t.Errorf("after a refused config the tokens have matched %v", now)
	}

	f.signWith(rotatedToken)
	settled := matched()
	more("events of the new token")
	after := matched()
	if after[0] < 100 || after[1] != settled[1] {
		t.Errorf("the tokens have matched %v, and %v when Smartcar changed over", after, settled)
	}
	positions := s.scrape(t).series
	first := positions[metricPrefix+`signature_matches_total{source="default",token="1"}`]
	second := positions[metricPrefix+`signature_matches_total{source="default",token="2"}`]
	if second < 100 || first < float64(after[0])+100 {
		t.Errorf("by position the metric has %v and %v, and the tokens have matched %v", first, second, after)
	}
	out := s.must(t, "Nothing needs attention", "status")
	words := fmt.Sprintf("token 2 matched %s (last", thousands(settled[1]))
	if !strings.Contains(strings.Join(strings.Fields(out), " "), words) ||
		strings.Contains(out, "Note") {
		t.Errorf("the command prints\n%s", out)
	}

	load("new")
	more("events after the rotation")
	cancel()
	<-sent
	if v, healthy := s.signatures(t); !healthy || len(v.Tokens) != 1 || v.Tokens[0].Matched < after[0]+100 {
		t.Errorf("healthy %v: %+v", healthy, v)
	}
	if v := f.awaitAll(t, s); v.lost > 0 || v.repeated > 0 || v.disordered > 0 {
		t.Errorf("%v\n%s", v, s.log())
	}
	if len(f.refused) > 0 {
		t.Errorf("answers other than 200: %v\n%s", f.refused, s.log())
	}
	t.Logf("%d events, %d requests had no answer", f.total(), len(f.broken))
}

// thousands is a count as the commands print it.
func thousands(n uint64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
