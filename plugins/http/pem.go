package http

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// certificatesIn returns the certificates of a PEM file, at least one.
func certificatesIn(path string) ([]*x509.Certificate, error) {
	rest, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d in %s is damaged", len(found)+1, path)
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", path)
	}
	return found, nil
}

// keyIn returns the private key of a PEM file, as PEM.
func keyIn(path string) ([]byte, error) {
	rest, err := readFile(path)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("%s has no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----", path)
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return nil, fmt.Errorf("the key in %s is encrypted: write it without a passphrase,"+
				" into a file that only Caddy's user may read", path)
		case block.Type == "PRIVATE KEY", block.Type == "EC PRIVATE KEY", block.Type == "RSA PRIVATE KEY":
			return pem.EncodeToMemory(block), nil
		}
	}
}

// readFile bounds what it reads.
func readFile(path string) ([]byte, error) {
	const most = 4 << 20
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s is not a file of at most 4 MiB", path)
	}
	return os.ReadFile(path)
}
