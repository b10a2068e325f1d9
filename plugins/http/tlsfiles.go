package http

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// tlsFiles is the block tls. A nil one has no files, and Go's own settings.
type tlsFiles struct {
	CAFile     string `config:"ca_file,optional" doc:"PEM file of the authorities that may sign the server's certificate, instead of the system's."`
	CertFile   string `config:"cert_file,optional" doc:"PEM file of the certificate that the server is shown, with those between it and its authority."`
	KeyFile    string `config:"key_file,optional" doc:"PEM file of its private key, not encrypted."`
	ServerName string `config:"server_name,optional" doc:"The name that the server's certificate must have, instead of the host of url."`
	Insecure   bool   `config:"insecure_skip_verify,optional" doc:"Take any certificate of the server."`
}

// Validate looks at no file.
func (f tlsFiles) Validate() error {
	var errs []error
	for name, path := range f.paths() {
		if path != "" && !filepath.IsAbs(path) {
			errs = append(errs, sdk.ConfigWarning(name, "Relative path",
				"It starts from the folder in which Caddy was started. Write the whole path."))
		}
	}
	if f.CertFile != "" && f.KeyFile == "" {
		errs = append(errs, sdk.ConfigError("cert_file", "Certificate without a key", "Name its private key in key_file."))
	}
	if f.KeyFile != "" && f.CertFile == "" {
		errs = append(errs, sdk.ConfigError("key_file", "Key without a certificate", "Name its certificate in cert_file."))
	}
	switch {
	case f.Insecure && (f.CAFile != "" || f.ServerName != ""):
		errs = append(errs, sdk.ConfigError("insecure_skip_verify", "Any certificate, and one of these",
			"ca_file and server_name say which certificate is right: leave out insecure_skip_verify."))
	case f.Insecure:
		errs = append(errs, sdk.ConfigWarning("insecure_skip_verify", "Any certificate of the server is taken",
			"Who can take its place gets every event. Name its authority in ca_file instead."))
	}
	return errors.Join(errs...)
}

// paths are those of the files, by the attribute that names them.
func (f *tlsFiles) paths() map[string]string {
	if f == nil {
		return nil
	}
	return map[string]string{"ca_file": f.CAFile, "cert_file": f.CertFile, "key_file": f.KeyFile}
}

// material is what was read of the files.
type material struct {
	roots       *x509.CertPool   // nil: the system's
	certificate *tls.Certificate // nil: none
	leaf        *x509.Certificate
}

// read reads the files, and says what is wrong with them.
func (f *tlsFiles) read() (*material, []remark) {
	m := new(material)
	if f == nil {
		return m, nil
	}
	var wrong []remark
	if f.CAFile != "" {
		certificates, err := certificatesIn(f.CAFile)
		if err != nil {
			wrong = append(wrong, remark{"ca_file", "The file of authorities cannot be used", err.Error()})
		}
		m.roots = x509.NewCertPool()
		for _, c := range certificates {
			m.roots.AddCert(c)
		}
	}
	if f.CertFile != "" {
		wrong = append(wrong, f.readPair(m)...)
	}
	return m, wrong
}

func (f *tlsFiles) readPair(m *material) []remark {
	const noCertificate, noKey = "The certificate cannot be used", "The key cannot be used"
	var wrong []remark
	chain, err := certificatesIn(f.CertFile)
	if err != nil {
		wrong = append(wrong, remark{"cert_file", noCertificate, err.Error()})
	}
	key, err := keyIn(f.KeyFile)
	if err != nil {
		wrong = append(wrong, remark{"key_file", noKey, err.Error()})
	}
	if len(wrong) > 0 {
		return wrong
	}
	var chainPEM []byte
	for _, c := range chain {
		chainPEM = append(chainPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	pair, err := tls.X509KeyPair(chainPEM, key)
	if err != nil {
		return []remark{{"key_file", noKey, fmt.Sprintf(
			"What %s holds is not the private key of the certificate in %s.", f.KeyFile, f.CertFile)}}
	}
	m.certificate, m.leaf = &pair, chain[0]
	return nil
}

// remark is about the file that an attribute of the block names. It holds nothing of the file.
type remark struct{ attribute, summary, detail string }

// remarks says whether the certificate is one for today. It is used all the same: the server decides.
func (m *material) remarks() []remark {
	const form = "2006-01-02 15:04 MST"
	switch now := time.Now(); {
	case m.leaf == nil:
		return nil
	case now.After(m.leaf.NotAfter):
		return []remark{{"cert_file", "The certificate has expired",
			"It was good until " + m.leaf.NotAfter.UTC().Format(form) + ". A renewed file is taken up without a reload."}}
	case now.Before(m.leaf.NotBefore):
		return []remark{{"cert_file", "The certificate is not good yet",
			"It is from " + m.leaf.NotBefore.UTC().Format(form) + " on."}}
	}
	return nil
}

// config is what a connection needs, nil for Go's own settings.
func (f *tlsFiles) config(m *material) *tls.Config {
	if f == nil {
		return nil
	}
	c := &tls.Config{
		RootCAs: m.roots, ServerName: f.ServerName, InsecureSkipVerify: f.Insecure, MinVersion: tls.VersionTLS12,
	}
	if m.certificate != nil {
		// Also to a server that asks for another authority's: its refusal says more than a missing certificate.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return m.certificate, nil }
	}
	return c
}

// stamps tell files from those that were there before.
type stamps map[string]fs.FileInfo

func (f *tlsFiles) stamps() stamps {
	found := stamps{}
	for name, path := range f.paths() {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			info = nil
		}
		found[name] = info
	}
	return found
}

func (s stamps) equal(other stamps) bool { return maps.EqualFunc(s, other, sameFile) }

// sameFile takes nil for a file that is not there.
func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
