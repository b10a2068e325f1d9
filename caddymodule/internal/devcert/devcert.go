// Package devcert makes a throw-away certificate for loopback, so that the demo,
// the benchmark and the tests speak real TLS without touching a trust store.
package devcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files are where Write put the certificate and its key, both PEM.
type Files struct {
	Cert, Key string
	// Pool holds the certificate as the only root.
	Pool *x509.CertPool
}

// Write makes a certificate for 127.0.0.1, ::1 and localhost, valid for two days,
// and writes it into dir. Only the owner may read the key.
func Write(dir string) (Files, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Files{}, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Files{}, fmt.Errorf("making a serial number: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "caddy-smartcar loopback"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(48 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Files{}, fmt.Errorf("making a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Files{}, fmt.Errorf("encoding the key: %w", err)
	}

	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	files := Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), Pool: x509.NewCertPool()}
	files.Pool.AppendCertsFromPEM(certPEM)
	if err := os.WriteFile(files.Cert, certPEM, 0o644); err != nil {
		return Files{}, fmt.Errorf("writing the certificate: %w", err)
	}
	if err := os.WriteFile(files.Key, keyPEM, 0o600); err != nil {
		return Files{}, fmt.Errorf("writing the key: %w", err)
	}
	return files, nil
}

// Client is a TLS configuration that trusts only this certificate.
func (f Files) Client() *tls.Config {
	return &tls.Config{RootCAs: f.Pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}
