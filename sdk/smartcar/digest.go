package smartcar

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/crc64"
)

// The table is the one that crc64 itself speeds up; the polynomial is part of what
// is stored and must not change.
var digestTable = crc64.MakeTable(crc64.ECMA)

// digest is the CRC-64 of body without cuts.
func digest(body []byte, cuts []span) uint64 {
	var sum uint64
	from := 0
	for _, cut := range cuts {
		sum = crc64.Update(sum, digestTable, body[from:cut.from])
		from = cut.to
	}
	return crc64.Update(sum, digestTable, body[from:])
}

// BodyDigest returns an id for an event whose body has none, such as
// "body-5df6e0e2761359d30a8275058e299fcc": 128 bits of the SHA-256 of what
// [Envelope.Digest] covers, so that a retry has the same.
func BodyDigest(body []byte) string {
	s := scanner{b: body}
	cuts := s.cuts[:0]
	if s.text() {
		cuts = s.cuts[:s.ncuts]
	}
	h := sha256.New()
	from := 0
	for _, cut := range cuts {
		h.Write(body[from:cut.from])
		from = cut.to
	}
	h.Write(body[from:])
	return "body-" + hex.EncodeToString(h.Sum(nil)[:16])
}
