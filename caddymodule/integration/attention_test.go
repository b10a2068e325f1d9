package integration

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/alert"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// hookSecret stands in the URLs of hooks and is the mail server's password: neither log nor answer may show it.
const hookSecret = "T0SECRETb8b9xyz"

// people are those who are told: by a webhook, in a channel, by mail. All of it is real, on loopback, with the site's
// certificate.
type people struct {
	hook, mail string // addresses
	broken     atomic.Bool

	mu       sync.Mutex
	payloads []alert.Payload
	texts    []string
	mails    []string
}

func startPeople(t *testing.T, s *site) *people {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(s.cert.Cert, s.cert.Key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	p := new(people)
	server := httptest.NewUnstartedServer(http.HandlerFunc(p.take))
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	p.hook = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)

	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	p.mail = fmt.Sprintf("smtps://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	mail := smtp.NewServer(p)
	mail.Domain = "localhost"
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = mail.Serve(l)
	}()
	t.Cleanup(func() {
		mail.Close()
		<-done
	})
	return p
}

func (p *people) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(r.URL.Path, hookSecret) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if p.broken.Load() {
		http.Error(w, "Cannot POST "+r.URL.Path, http.StatusBadGateway)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/slack") {
		p.texts = append(p.texts, string(body))
		return
	}
	var m alert.Payload
	if err := json.Unmarshal(body, &m); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.payloads = append(p.payloads, m)
}

// NewSession implements smtp.Backend.
func (p *people) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{people: p}, nil }

type mailSession struct {
	people *people
	in     bool
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "alerts" || password != hookSecret {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.people.mu.Lock()
	defer s.people.mu.Unlock()
	s.people.mails = append(s.people.mails, string(body))
	return nil
}

// told are what the webhook has got: each item as STATE ID, in order.
func (p *people) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, m := range p.payloads {
		for i := range m.Items {
			list = append(list, string(m.Items[i].State)+" "+m.Items[i].ID)
		}
	}
	return list
}

// await waits until the webhook has been told all that, and fails where it was told anything else.
func (p *people) await(t *testing.T, s *site, want ...string) {
	t.Helper()
	waitFor(t, fmt.Sprintf("people are told %q", want), 40*time.Second, func() bool { return len(p.told()) >= len(want) })
	if got := p.told(); !slices.Equal(got, want) {
		t.Fatalf("told %q, want %q\n%s", got, want, s.log())
	}
}

// counts are how many messages came by each way.
func (p *people) counts() [3]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return [3]int{len(p.payloads), len(p.texts), len(p.mails)}
}

// attentionBlock tells them all, soon.
func (s *site) attentionBlock(t *testing.T, p *people) string {
	t.Helper()
	t.Setenv("ATTENTION_HOOK", p.hook+"/hook/"+hookSecret)
	t.Setenv("ATTENTION_PASSWORD", hookSecret)
	t.Setenv("SSL_CERT_FILE", s.cert.Cert)
	s.write(t, "slack-url", p.hook+"/slack/"+hookSecret+"\n")
	return fmt.Sprintf(`attention {
			webhook {env.ATTENTION_HOOK}
			slack {file.%s/slack-url}
			smtp %s {
				username alerts
				password {env.ATTENTION_PASSWORD}
				from alerts@example.com
				to ops@example.com
			}
			after 1s
			every 1h
		}`, s.dir, p.mail)
}

func (s *site) reload(t *testing.T, more ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"reload", "--config", filepath.Join(s.dir, "Caddyfile"), "--address", "unix/" + s.admin}, more...)
	out, err := exec.CommandContext(t.Context(), self, args...).CombinedOutput()
	return string(out), err
}

// A handler's application is away: whoever is to be told is, once, by each way, whatever is reloaded; and again when it is
// back, also where the message had to wait for its server. No secret is anywhere.
func TestPeopleAreTold(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Setenv("SMARTCAR_TOKEN", testToken)
	s, _ := newAdminSite(t)
	p := startPeople(t, s)
	s.app = s.attentionBlock(t, p)
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	port := freePort(t)
	s.write(t, "handlers.hcl", s.adminHandlers(fmt.Sprintf("http://127.0.0.1:%d", port)))
	process := s.startAdmin(t)
	if out := s.must(t, "ok    webhook localhost", "attention", "test"); strings.Count(out, "ok    ") != 3 {
		t.Fatalf("%s", out)
	}
	tests := p.counts()
	if tests != [3]int{1, 1, 1} {
		t.Fatalf("%v messages", tests)
	}

	s.sendEvents(t, "car-1", 2)
	p.await(t, s, "begun handler_unavailable/crm")
	waitFor(t, "all three ways have it", 20*time.Second, func() bool { return p.counts() == [3]int{2, 2, 2} })
	if m := p.mails[1]; !strings.Contains(m, "caddy smartcar resume crm") || !strings.Contains(m, "which receives default") {
		t.Errorf("%s", m)
	}

	s.write(t, "Caddyfile", s.caddyfile("8d"))
	if out, err := s.reload(t); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.must(t, "paused", "pause", "archive")
	s.sendEvents(t, "car-2", 1)
	p.await(t, s, "begun handler_unavailable/crm", "begun handler_paused/archive")

	p.broken.Store(true)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Skipf("another program has taken the port: %v", err)
	}
	application := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
	application.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	application.Start()
	defer application.Close()
	s.must(t, "crm goes on", "resume", "crm")
	waitFor(t, "status says that messages do not get through", 30*time.Second, func() bool {
		out, _ := s.run(t, "status")
		return strings.Contains(out, "do not get to webhook localhost") && strings.Contains(out, "it answered 502")
	})
	waitFor(t, "mail says so, too, and what is over", 30*time.Second, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		all := strings.Join(p.mails, "\n")
		return strings.Contains(all, "do not get to") && strings.Contains(all, "+ resolved, after")
	})
	if out, code := s.run(t, "attention", "test"); code != 1 || !strings.Contains(out, "FAIL  webhook localhost") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	p.broken.Store(false)
	s.must(t, "ok ", "attention", "test")
	waitFor(t, "the webhook hears that it is over", 40*time.Second, func() bool {
		return slices.Contains(p.told(), "ended handler_unavailable/crm")
	})
	if n := len(slices.DeleteFunc(p.told(), func(s string) bool { return s != "begun handler_unavailable/crm" })); n != 1 {
		t.Errorf("told %d times that crm is down: %q", n, p.told())
	}
	p.mu.Lock()
	said := fmt.Sprint(p.payloads, p.texts, p.mails)
	p.mu.Unlock()
	if strings.Contains(said, "car-1") || strings.Contains(said, "car-2") {
		t.Errorf("a message names a vehicle: %s", said)
	}
	out := s.must(t, "handler_paused/archive", "attention")
	var v api.Status
	s.get(t, "/smartcar/status", &v)
	process.terminate(t)
	before := p.counts()
	if all := s.wholeLog() + out + fmt.Sprint(v); strings.Contains(all, hookSecret) || !strings.Contains(all, "did not get through") {
		t.Errorf("%v, the secret is shown: %v", before, strings.Contains(all, hookSecret))
	}
}

// A variable that is not set refuses a reload and `caddy validate`, and says which. After a reboot it keeps nobody from
// receiving: the others are told, and status names it.
func TestAttentionWithAVariableThatIsNotSet(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Setenv("SMARTCAR_TOKEN", testToken)
	s, _ := newAdminSite(t)
	p := startPeople(t, s)
	block := s.attentionBlock(t, p)
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	process := s.startAdmin(t)
	if out, code := s.run(t, "attention", "test"); code != 1 || !strings.Contains(out, "nobody is told") {
		t.Errorf("exit code %d\n%s", code, out)
	}

	s.app = strings.Replace(block, "slack {file", "slack {env.ATTENTION_NOT_SET}\n\t\t\tslack {file", 1)
	s.write(t, "Caddyfile", s.caddyfile("7d"))
	const words = "attention: slack 1 ({env.ATTENTION_NOT_SET}): its placeholder is empty"
	if out, err := s.reload(t); err == nil || !strings.Contains(out, words) {
		t.Errorf("reload: %v\n%s", err, out)
	}
	cmd, _ := command(t, "validate", "--config", filepath.Join(s.dir, "Caddyfile"))
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), words) {
		t.Errorf("validate: %v\n%s", err, out)
	}
	process.terminate(t)

	s.startAdmin(t)
	s.sendEvents(t, "car-1", 1)
	if out, code := s.run(t, "status"); code != 1 || !strings.Contains(out, "do not all go out") || !strings.Contains(out, "ATTENTION_NOT_SET") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	p.await(t, s, "begun messages_mistaken")
}

// The page's example is one that Caddy takes.
func TestAttentionInDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	password := filepath.Join(dir, "smtp-password")
	if err := os.WriteFile(password, []byte(hookSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", dir)
	t.Setenv("ALERTS_TOKEN", "a")
	t.Setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/"+hookSecret)
	found := false
	for _, block := range caddyfileBlock.FindAllSubmatch(page, -1) {
		if !strings.Contains(string(block[1]), "attention {") {
			continue
		}
		found = true
		text := strings.Replace(string(block[1]), "/etc/caddy/smtp-password", password, 1)
		if !strings.Contains(text, password) {
			t.Error("the example has no password in a file")
		}
		if err := validate(adapt(t, []byte(text))); err != nil {
			t.Error(err)
		}
		if err := os.Unsetenv("SLACK_WEBHOOK_URL"); err != nil {
			t.Fatal(err)
		}
		if err := validate(adapt(t, []byte(text))); err == nil || !strings.Contains(err.Error(), "slack 1 ({env.SLACK_WEBHOOK_URL})") {
			t.Errorf("without the variable: %v", err)
		}
	}
	if !found {
		t.Error("the page has no example")
	}
}

// In one process: a reload keeps the one that tells people, and with Caddy it ends, also while a message is under way.
func TestTellingEndsWithCaddy(t *testing.T) {
	came := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		came <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	config := edgeConfig{App: "attention {\nwebhook " + server.URL + "\nafter 1s\n}"}
	// Others can write into the folder, which needs attention.
	e := startEdge(t, config)
	if err := os.Chmod(filepath.Join(e.dir, "buffer"), 0o777); err != nil {
		t.Fatal(err)
	}
	e.stop(t)
	e.start(t)
	config.Buffer = "retention 8d"
	if err := e.load(t, config); err != nil {
		t.Fatal(err)
	}
	select {
	case <-came:
	case <-time.After(30 * time.Second):
		t.Fatalf("no message\n%s", e.log(t))
	}
	e.stop(t)
	goleak.VerifyNone(t, append(caddyKeeps, goleak.IgnoreAnyFunction("net/http.(*Server).Serve"), goleak.IgnoreAnyFunction("net/http.(*conn).serve"))...)
}
