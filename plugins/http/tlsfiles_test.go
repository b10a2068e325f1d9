package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	a.cert = signed(t, template, template, a.key, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue returns a certificate for a name, good until then, and its key.
func (a *authority) issue(name string, until time.Time) (certPEM, keyPEM []byte) {
	key := newKey(a.t)
	cert := signed(a.t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-24 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, a.cert, key, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return certificatePEM(cert), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certificatePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// write writes a file into a folder and returns its path.
func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mutual serves TLS to clients with a certificate of the authority, and tells whose it was.
func (a *authority) mutual(t *testing.T, serverName string, change func(*httptest.Server)) (s *httptest.Server, client func() string) {
	t.Helper()
	certPEM, keyPEM := a.issue(serverName, time.Now().Add(time.Hour))
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	name := ""
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		name = r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	change(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, func() string { return name }
}

func TestMutualTLS(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	s, client := a.mutual(t, "app.example", func(*httptest.Server) {})
	old, _ := a.mutual(t, "app.example", func(s *httptest.Server) { s.TLS.MaxVersion = tls.VersionTLS12 })
	http2, _ := a.mutual(t, "app.example", func(s *httptest.Server) { s.EnableHTTP2 = true })
	dir := t.TempDir()
	ca := write(t, dir, "ca.pem", certificatePEM(a.cert))
	otherCA := write(t, dir, "other-ca.pem", certificatePEM(other.cert))
	pair := func(name string, by *authority, until time.Duration) (cert, key string) {
		certPEM, keyPEM := by.issue(name, time.Now().Add(until))
		return write(t, dir, name+".pem", certPEM), write(t, dir, name+".key", keyPEM)
	}
	cert, key := pair("edge-1", a, time.Hour)
	expired, expiredKey := pair("expired", a, -time.Hour)
	strange, strangeKey := pair("strange", other, time.Hour)
	for name, tt := range map[string]struct {
		url    string
		tls    sdktest.Config
		status sdk.Status
		want   string // in the error
	}{
		"right":           {s.URL, sdktest.Config{"ca_file": ca, "cert_file": cert, "key_file": key}, done, ""},
		"by another name": {s.URL, sdktest.Config{"ca_file": ca, "cert_file": cert, "key_file": key, "server_name": "app.example"}, done, ""},
		"a wrong name":    {s.URL, sdktest.Config{"ca_file": ca, "cert_file": cert, "key_file": key, "server_name": "b.example"}, unavailable, "not b.example"},
		"a strange server": {s.URL, sdktest.Config{"ca_file": otherCA, "cert_file": cert, "key_file": key}, unavailable,
			"certificate signed by unknown authority"},
		"any server":                {s.URL, sdktest.Config{"insecure_skip_verify": true, "cert_file": cert, "key_file": key}, done, ""},
		"no certificate":            {s.URL, sdktest.Config{"ca_file": ca}, unavailable, "ended the TLS connection: tls: certificate required"},
		"an expired one":            {s.URL, sdktest.Config{"ca_file": ca, "cert_file": expired, "key_file": expiredKey}, unavailable, "ended the TLS connection: tls: expired certificate"},
		"of another authority":      {s.URL, sdktest.Config{"ca_file": ca, "cert_file": strange, "key_file": strangeKey}, unavailable, "ended the TLS connection: tls: unknown certificate authority"},
		"no certificate, HTTP/2":    {http2.URL, sdktest.Config{"ca_file": ca}, unavailable, "ended the TLS connection"},
		"a strange one, HTTP/2":     {http2.URL, sdktest.Config{"ca_file": ca, "cert_file": strange, "key_file": strangeKey}, unavailable, "ended the TLS connection"},
		"no certificate, TLS 1.2":   {old.URL, sdktest.Config{"ca_file": ca}, unavailable, "tls: "},
		"an expired one in TLS 1.2": {old.URL, sdktest.Config{"ca_file": ca, "cert_file": expired, "key_file": expiredKey}, unavailable, "tls: expired certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			host := sdktest.Start(t, Plugin(), sdktest.Config{"url": tt.url, "tls": tt.tls})
			got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]
			if got.Status != tt.status || !strings.Contains(got.Error, tt.want) {
				t.Errorf("%+v, want %s", got, tt.want)
			}
			if got.Status == done && client() != "edge-1" {
				t.Errorf("the server saw %q", client())
			}
		})
	}
}

// Renewed files are in use with the next event, without a reload, once they fit together.
func TestRenewedFiles(t *testing.T) {
	a, next := newAuthority(t), newAuthority(t)
	s, client := a.mutual(t, "app.example", func(s *httptest.Server) { s.EnableHTTP2 = true })
	dir := t.TempDir()
	cert, key := a.issue("edge-1", time.Now().Add(time.Hour))
	config := sdktest.Config{"url": s.URL, "tls": sdktest.Config{
		"ca_file": write(t, dir, "ca.pem", certificatePEM(a.cert)), "cert_file": write(t, dir, "cert.pem", cert), "key_file": write(t, dir, "key.pem", key),
	}}
	host := sdktest.Start(t, Plugin(), config)
	send := func(want string) {
		t.Helper()
		if got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]; got.Status != done || client() != want {
			t.Errorf("%+v, by %s; want %s", got, client(), want)
		}
	}
	send("edge-1")
	written := time.Now()
	renew := func(name string, content []byte) {
		t.Helper()
		path := write(t, dir, name, content)
		// Two writes may be closer to each other than the times of a file system are.
		written = written.Add(time.Second)
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	cert, key = a.issue("edge-2", time.Now().Add(time.Hour))
	renew("cert.pem", cert)
	send("edge-1") // its key is yet to come
	renew("key.pem", key)
	send("edge-2")
	if err := os.Remove(filepath.Join(dir, "cert.pem")); err != nil {
		t.Fatal(err)
	}
	send("edge-2")
	cert, key = a.issue("edge-3", time.Now().Add(time.Hour))
	renew("key.pem", key)
	renew("cert.pem", cert)
	send("edge-3")
	// So is the file of authorities.
	renew("ca.pem", certificatePEM(next.cert))
	if got := host.Handle(t.Context(), sdktest.VehicleState("e", "v"))[0]; got.Status != unavailable {
		t.Errorf("the old authority still counts: %+v", got)
	}
}

// What is wrong with a file is said when the handler is configured, and before, without what is in it.
func TestFileMistakes(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	certPEM, keyPEM := a.issue("edge", time.Now().Add(time.Hour))
	_, otherKey := a.issue("other", time.Now().Add(time.Hour))
	cert, key := write(t, dir, "cert.pem", certPEM), write(t, dir, "key.pem", keyPEM)
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("hunter2")})
	oldEncrypted := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES"}, Bytes: []byte("hunter2")})
	damaged := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hunter2")})
	absent := filepath.Join(dir, "absent.pem")
	for name, tt := range map[string]struct {
		tls       sdktest.Config
		attribute string
		want      string
	}{
		"no authorities":      {sdktest.Config{"ca_file": absent}, "ca_file", absent + ": no such file"},
		"a folder":            {sdktest.Config{"ca_file": dir}, "ca_file", dir + " is not a file"},
		"a key as a ca":       {sdktest.Config{"ca_file": key}, "ca_file", key + " has no certificate in PEM"},
		"a damaged one":       {sdktest.Config{"ca_file": write(t, dir, "damaged.pem", append(certPEM, damaged...))}, "ca_file", "certificate 2 in"},
		"no certificate":      {sdktest.Config{"cert_file": absent, "key_file": key}, "cert_file", "no such file"},
		"no key":              {sdktest.Config{"cert_file": cert, "key_file": absent}, "key_file", "no such file"},
		"not a key":           {sdktest.Config{"cert_file": cert, "key_file": cert}, "key_file", "has no private key in PEM"},
		"another key":         {sdktest.Config{"cert_file": cert, "key_file": write(t, dir, "other.key", otherKey)}, "key_file", "is not the private key of the certificate in " + cert},
		"an encrypted key":    {sdktest.Config{"cert_file": cert, "key_file": write(t, dir, "enc.key", encrypted)}, "key_file", "is encrypted"},
		"one of the old kind": {sdktest.Config{"cert_file": cert, "key_file": write(t, dir, "old.key", oldEncrypted)}, "key_file", "is encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			config := sdktest.Config{"url": "https://127.0.0.1/", "tls": tt.tls}
			_, err := sdktest.Open(t, Plugin(), config)
			if err == nil || !strings.Contains(err.Error(), "tls."+tt.attribute+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			raw, _ := json.Marshal(config)
			diags := CheckFiles(raw)
			if len(diags) != 1 || diags[0].Warning || strings.Join(diags[0].Path, ".") != "tls."+tt.attribute || !strings.Contains(diags[0].Detail, tt.want) {
				t.Errorf("before: %v", diags)
			}
		})
	}
}

func TestOddCertificates(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		until time.Duration
		want  string
	}{
		"good":    {time.Hour, ""},
		"expired": {-time.Hour, "The certificate has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			certPEM, keyPEM := a.issue("edge", time.Now().Add(tt.until))
			config := sdktest.Config{"url": "https://127.0.0.1/", "tls": sdktest.Config{
				"cert_file": write(t, dir, "cert.pem", certPEM), "key_file": write(t, dir, "key.pem", keyPEM),
			}}
			sdktest.Start(t, Plugin(), config)
			raw, _ := json.Marshal(config)
			diags := CheckFiles(raw)
			if tt.want == "" && len(diags) > 0 || tt.want != "" && (len(diags) != 1 || !diags[0].Warning || diags[0].Summary != tt.want) {
				t.Errorf("%v", diags)
			}
		})
	}
}

func TestTLSMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		tls       sdktest.Config
		want      string
		isWarning bool
	}{
		"no key":            {sdktest.Config{"cert_file": "/c"}, "tls.cert_file: Certificate without a key", false},
		"no certificate":    {sdktest.Config{"key_file": "/k"}, "tls.key_file: Key without a certificate", false},
		"any, and one":      {sdktest.Config{"insecure_skip_verify": true, "server_name": "a"}, "tls.insecure_skip_verify: Any certificate, and one of these", false},
		"any server":        {sdktest.Config{"insecure_skip_verify": true}, "Any certificate of the server is taken", true},
		"nothing":           {sdktest.Config{}, "", true},
		"a name of its own": {sdktest.Config{"server_name": "a"}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			host, err := sdktest.Open(t, Plugin(), sdktest.Config{"url": "https://127.0.0.1/", "tls": tt.tls})
			if !tt.isWarning {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if w := host.Warnings(); (tt.want != "") != (len(w) == 1) || len(w) == 1 && w[0].Summary != tt.want {
				t.Errorf("%v, want %s", w, tt.want)
			}
		})
	}
}
