package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends a message by mail.
type SMTP struct {
	config  SMTPConfig
	host    string
	port    int
	mode    smtpMode
	timeout time.Duration
	// roots, where it is set, are the authorities that are believed in place of the system's.
	roots *x509.CertPool
}

// SMTPConfig is how to send mail.
type SMTPConfig struct {
	// Server is smtps://HOST[:465], with TLS from the first byte on, or smtp://HOST[:587], with STARTTLS, without which
	// nothing is sent.
	Server string
	// Username and Password are for the server; both are empty where it wants none. The password is a secret.
	Username, Password string
	From               string
	To                 []string
	// Insecure does without TLS at an smtp server, as is usual at one on loopback. There is no password then.
	Insecure bool
}

// smtpMode is how a conversation is kept from others.
type smtpMode int

const (
	smtpStartTLS smtpMode = iota
	smtpTLS
	smtpPlain
)

// mostRecipients bounds one mail: it is for a few people, or for a list's address.
const mostRecipients = 50

// NewSMTP checks the config. An error reads on from the name of what is configured, as in "has no …", and holds no
// value but that of an option without a secret.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	s := &SMTP{config: c, timeout: DefaultTimeout}
	if err := s.readServer(); err != nil {
		return nil, err
	}
	if c.From == "" {
		return nil, errors.New("has no from: write the address that the mails come from")
	}
	if len(c.To) == 0 || len(c.To) > mostRecipients {
		return nil, errors.New("needs a to, with 1 to 50 addresses")
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		return nil, errors.New("has a from that is no mail address")
	}
	for _, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			return nil, errors.New("has a to that is no mail address")
		}
	}
	switch {
	case (c.Username == "") != (c.Password == ""):
		return nil, errors.New("needs both of username and password, or neither")
	case c.Password != "" && s.mode == smtpPlain && !isLoopback(s.host):
		return nil, errors.New("is insecure, and so cannot have a password: anybody on the way would read it")
	}
	return s, nil
}

// readServer reads the URL of the server.
func (s *SMTP) readServer() error {
	u, err := url.Parse(s.config.Server)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return errors.New("has no server: write it like smtps://mail.example.com or smtp://mail.example.com:587")
	}
	if u.User != nil {
		return errors.New("has a name or a password in its URL: write `username` and `password` into its block," +
			" as in `password {env.SMTP_PASSWORD}`")
	}
	s.host = u.Hostname()
	switch {
	case u.Scheme == "smtps" && s.config.Insecure:
		return errors.New("is smtps, which always has TLS: leave insecure out")
	case u.Scheme == "smtps":
		s.mode, s.port = smtpTLS, 465
	case u.Scheme == "smtp" && (s.config.Insecure || isLoopback(s.host)):
		s.mode, s.port = smtpPlain, 25
	case u.Scheme == "smtp":
		s.mode, s.port = smtpStartTLS, 587
	default:
		return errors.New("is neither smtps nor smtp: write it like smtps://mail.example.com")
	}
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil || s.port < 1 || s.port > 65535 {
			return errors.New("has a port that is none")
		}
	}
	return nil
}

// Host is that of the server.
func (s *SMTP) Host() string { return s.host }

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	msg, err := s.mail(m)
	if err != nil {
		return errorf(s.host, Unsendable, 0, "the mail cannot be made")
	}
	line := &line{tls: s.mode == smtpTLS, config: s.tlsConfig()}
	defer line.close()
	// The library heeds the context only until there is a connection.
	defer context.AfterFunc(ctx, line.close)()
	client, err := gomail.NewClient(s.host, s.options(line)...)
	if err != nil {
		return errorf(s.host, Unsendable, 0, "the client cannot be made")
	}
	err = client.DialAndSendWithContext(ctx, msg)
	switch {
	case err == nil, msg.IsDelivered():
		return nil // what went wrong after the server took it is no matter, and to send it again would be one
	case ctx.Err() != nil:
		return failed(s.host, ctx.Err())
	default:
		return refusedMail(s.host, err)
	}
}

func (s *SMTP) options(line *line) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.timeout), gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithDialContextFunc(line.dial), gomail.WithoutNoop(),
	}
	switch s.mode {
	case smtpTLS:
		options = append(options, gomail.WithSSL())
	case smtpPlain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case smtpStartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.config.Password == "" {
		return options
	}
	plain, login := gomail.SMTPAuthPlain, gomail.SMTPAuthLogin
	if s.mode == smtpPlain { // loopback
		plain, login = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
	}
	return append(options, gomail.WithUsername(s.config.Username), gomail.WithPassword(s.config.Password),
		gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, plain, login))
}

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: s.roots}
}

// mail is the message as a mail of plain text.
func (s *SMTP) mail(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg()
	if err := msg.From(s.config.From); err != nil {
		return nil, err
	}
	if err := msg.To(s.config.To...); err != nil {
		return nil, err
	}
	msg.Subject(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, m.Title))
	msg.SetDate()
	msg.SetMessageID()
	// So no absence note comes back.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	return msg, nil
}

// Interface guards.
var (
	_ Sender = (*SMTP)(nil)
	_ Sender = (*Slack)(nil)
	_ Sender = (*Webhook)(nil)
)
