package send

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const mailUser = "alerts"

// mailbox is a real mail server that keeps what it gets.
type mailbox struct {
	address string
	roots   *x509.CertPool
	// refuse answers a step with an error: auth, from, to or data.
	refuse map[string]*smtp.SMTPError

	mu    sync.Mutex
	mails []string
	tls   []bool
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, isTLS := c.TLSConnectionState()
	return &mailSession{box: b, tls: isTLS}, nil
}

func (b *mailbox) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mails
}

type mailSession struct {
	box       *mailbox
	tls, auth bool
	to        []string
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if err := s.box.refuse["auth"]; err != nil {
			err.Message = "no " + username + " with " + password
			return err
		}
		if username != mailUser || password != secret {
			return smtp.ErrAuthFailed
		}
		s.auth = true
		return nil
	}), nil
}

func (s *mailSession) refused(step string) error {
	if err := s.box.refuse[step]; err != nil {
		err.Message = secret
		return err
	}
	return nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if !s.auth {
		return smtp.ErrAuthRequired
	}
	return s.refused("from")
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return s.refused("to")
}

func (s *mailSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.refused("data"); err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails, s.box.tls = append(s.box.mails, strings.Join(s.to, " ")+"\n"+string(body)), append(s.box.tls, s.tls)
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// startMail starts a mail server whose TLS is as a mode says: from the first byte on, with STARTTLS, or none.
func startMail(t *testing.T, mode smtpMode, refuse map[string]*smtp.SMTPError) *mailbox {
	t.Helper()
	// It lends its certificate.
	lender := httptest.NewTLSServer(nil)
	defer lender.Close()
	b := &mailbox{roots: x509.NewCertPool(), refuse: refuse}
	b.roots.AddCert(lender.Certificate())
	server := smtp.NewServer(b)
	server.Domain, server.AllowInsecureAuth = "mail.test", mode == smtpPlain
	server.ErrorLog = quiet{}
	config := &tls.Config{Certificates: lender.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = l.Addr().String()
	switch mode {
	case smtpTLS:
		l = tls.NewListener(l, config)
	case smtpStartTLS:
		server.TLSConfig = config
	case smtpPlain:
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return b
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// newMail is a sender to a server on loopback; with TLS, as it would be to another one.
func (b *mailbox) newMail(t *testing.T, mode smtpMode) *SMTP {
	t.Helper()
	scheme := "smtp"
	if mode == smtpTLS {
		scheme = "smtps"
	}
	s, err := NewSMTP(SMTPConfig{
		Server: scheme + "://" + b.address, Username: mailUser, Password: secret,
		From: "Smartcar <alerts@example.com>", To: []string{"ops@example.com", "on-call@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mode, s.roots = mode, b.roots
	return s
}

func TestMailIsSent(t *testing.T) {
	for name, mode := range map[string]smtpMode{"STARTTLS": smtpStartTLS, "TLS": smtpTLS, "loopback": smtpPlain} {
		t.Run(name, func(t *testing.T) {
			b := startMail(t, mode, nil)
			m := Message{Title: "web-1: crm is down\r\nBcc: all@example.com, größer", Text: "! crm is down\n  caddy smartcar restart crm\n"}
			if err := b.newMail(t, mode).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			got := b.got()
			if len(got) != 1 || b.tls[0] != (mode != smtpPlain) {
				t.Fatalf("%q, TLS %v", got, b.tls)
			}
			to, text, _ := strings.Cut(got[0], "\n")
			read, err := mail.ReadMessage(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(read.Body)
			if err != nil {
				t.Fatal(err)
			}
			h := read.Header
			if to != "ops@example.com on-call@example.com" || h.Get("Bcc") != "" || h.Get("Auto-Submitted") != "auto-generated" ||
				h.Get("Message-Id") == "" || h.Get("From") != `"Smartcar" <alerts@example.com>` ||
				!bytes.Contains(body, []byte("  caddy smartcar restart crm")) {
				t.Errorf("%q to %s", text, to)
			}
		})
	}
}

// Whatever a server refuses is told with its number; what it says in words may be the password.
func TestMailIsRefused(t *testing.T) {
	tests := map[string]struct {
		step, words string
		want        Step
	}{
		"password":  {"auth", "it answered 535: it refuses the username or the password", StepOpening},
		"sender":    {"from", "it answered 550 to the sender's address", StepFrom},
		"recipient": {"to", "it answered 550 to a recipient's address", StepTo},
		"mail":      {"data", "it answered 550 to the mail itself", StepMessage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code := 550
			if tt.step == "auth" {
				code = 535
			}
			b := startMail(t, smtpStartTLS, map[string]*smtp.SMTPError{tt.step: {Code: code, EnhancedCode: smtp.EnhancedCode{5, 7, 1}}})
			err := b.newMail(t, smtpStartTLS).Send(t.Context(), hello)
			failure, ok := errors.AsType[*Error](err)
			if !ok || failure.Reason != Refused || failure.Code != code || failure.Step != tt.want || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%v", err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, failure), secret) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// Without TLS that can be believed nothing is sent, the password least of all.
func TestMailNeedsTLS(t *testing.T) {
	tests := map[string]struct {
		server, sender smtpMode
		roots          bool
		words          string
	}{
		"no STARTTLS":             {smtpPlain, smtpStartTLS, true, "it offers no STARTTLS"},
		"a stranger's STARTTLS":   {smtpStartTLS, smtpStartTLS, false, "an authority that this machine does not know"},
		"a stranger's TLS":        {smtpTLS, smtpTLS, false, "an authority that this machine does not know"},
		"TLS to one without":      {smtpPlain, smtpTLS, true, "it does not speak TLS there"},
		"STARTTLS to one of TLS":  {smtpTLS, smtpStartTLS, true, ""},
		"a name that is not ours": {smtpTLS, smtpTLS, true, "its certificate is for another name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := startMail(t, tt.server, nil)
			s := b.newMail(t, tt.sender)
			s.timeout = 2 * time.Second
			if tt.words == "" {
				s.timeout = 200 * time.Millisecond // each waits for the other to begin
			}
			if !tt.roots {
				s.roots = nil
			}
			if strings.HasPrefix(name, "a name") {
				s.host = "localhost"
			}
			err := s.Send(t.Context(), hello)
			if err == nil || !strings.Contains(err.Error(), tt.words) || len(b.got()) > 0 {
				t.Errorf("%v, %q", err, b.got())
			}
		})
	}
}

// A server that hangs or does not end holds nobody up, and the connection goes.
func TestMailServerThatMisbehaves(t *testing.T) {
	tests := map[string]struct {
		talk  func(net.Conn)
		words string
	}{
		"hangs": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "no answer in time"},
		"does not end": {func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "220-"+strings.Repeat("x", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}, "too long"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			left := make(chan struct{})
			go func() {
				defer close(left)
				if c, err := l.Accept(); err == nil {
					tt.talk(c)
					c.Close()
				}
			}()
			s := (&mailbox{address: l.Addr().String()}).newMail(t, smtpPlain)
			s.timeout = 200 * time.Millisecond
			if name == "does not end" {
				s.timeout = DefaultTimeout
			}
			err = s.Send(t.Context(), hello)
			if err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%v", err)
			}
			<-left
		})
	}
}

func TestMailConfigsThatAreRefused(t *testing.T) {
	good := SMTPConfig{Server: "smtps://mail.example.com", From: "a@example.com", To: []string{"b@example.com"}}
	tests := map[string]struct {
		change func(c *SMTPConfig)
		words  string
	}{
		"no server":         {func(c *SMTPConfig) { c.Server = "mail.example.com" }, "no server"},
		"another scheme":    {func(c *SMTPConfig) { c.Server = "https://mail.example.com" }, "neither smtps nor smtp"},
		"password in URL":   {func(c *SMTPConfig) { c.Server = "smtps://me:" + secret + "@mail.example.com" }, "`password {env.SMTP_PASSWORD}`"},
		"a path":            {func(c *SMTPConfig) { c.Server += "/" + secret }, "no server"},
		"no port":           {func(c *SMTPConfig) { c.Server += ":99999" }, "port"},
		"no from":           {func(c *SMTPConfig) { c.From = "" }, "from"},
		"wrong from":        {func(c *SMTPConfig) { c.From = "me" }, "from"},
		"no to":             {func(c *SMTPConfig) { c.To = nil }, "to"},
		"wrong to":          {func(c *SMTPConfig) { c.To = []string{"b@example.com", "x"} }, "to"},
		"half a login":      {func(c *SMTPConfig) { c.Password = secret }, "both"},
		"insecure smtps":    {func(c *SMTPConfig) { c.Insecure = true }, "leave insecure out"},
		"password in clear": {func(c *SMTPConfig) { *c = SMTPConfig{"smtp://mail.example.com", "me", secret, c.From, c.To, true} }, "cannot have a password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := NewSMTP(c)
			if err == nil || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
		})
	}
	for server, want := range map[string]struct {
		mode smtpMode
		port int
	}{
		"smtps://mail.example.com":     {smtpTLS, 465},
		"smtp://mail.example.com":      {smtpStartTLS, 587},
		"smtp://mail.example.com:2525": {smtpStartTLS, 2525},
		"smtp://localhost":             {smtpPlain, 25},
		"smtps://[::1]:4650":           {smtpTLS, 4650},
	} {
		c := good
		c.Server = server
		s, err := NewSMTP(c)
		if err != nil || s.mode != want.mode || s.port != want.port {
			t.Errorf("%s: %+v, %v", server, s, err)
		}
	}
}

// A mail that the server has taken is not sent again because of what comes after: somebody would get it each time.
func TestMailIsTakenOnce(t *testing.T) {
	s, taken := scripted(t, map[string]string{
		"connected": "220 mail.test", "EHLO": "250 mail.test", "MAIL": "250 yes", "RCPT": "250 yes", "DATA": "354 go on", ".": "250 taken",
	}, ".")
	if err := s.Send(t.Context(), hello); err != nil {
		t.Error(err)
	}
	<-taken
}

// A no in the greeting, or to the data command, is not about what is in the mail.
func TestMailIsRefusedBeforeItIsSeen(t *testing.T) {
	tests := map[string]struct {
		at    string
		want  Step
		words string
	}{
		"greeting": {"connected", StepOpening, "it answered 554 at the beginning"},
		"hello":    {"EHLO", StepOpening, "it answered 554 at the beginning"},
		"data":     {"DATA", StepData, "it answered 554 before the mail itself"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answers := map[string]string{
				"connected": "220 mail.test", "EHLO": "250 mail.test", "HELO": "554 " + secret, "MAIL": "250 yes", "RCPT": "250 yes",
			}
			answers[tt.at] = "554 " + secret
			s, left := scripted(t, answers, "QUIT")
			err := s.Send(t.Context(), hello)
			failure, ok := errors.AsType[*Error](err)
			if !ok || failure.Code != 554 || failure.Step != tt.want || !strings.Contains(err.Error(), tt.words) ||
				strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
			<-left
		})
	}
}

// scripted is a sender to a server that answers each command with a line, and closes the connection after one of
// them. "connected" is no command: its answer is the greeting.
func scripted(t *testing.T, answers map[string]string, last string) (*SMTP, <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		say := func(verb string) {
			if answer, ok := answers[verb]; ok {
				_, _ = io.WriteString(c, answer+"\r\n")
			}
		}
		say("connected")
		for lines := bufio.NewScanner(c); lines.Scan(); {
			verb, _, _ := strings.Cut(lines.Text(), " ")
			say(verb)
			if verb == last {
				return
			}
		}
	}()
	s, err := NewSMTP(SMTPConfig{Server: "smtp://" + l.Addr().String(), From: "a@example.com", To: []string{"b@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	s.timeout = 5 * time.Second
	return s, ended
}
