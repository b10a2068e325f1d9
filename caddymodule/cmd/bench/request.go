package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"slices"
	"strconv"
)

// bodyMaker makes signed requests that differ only in their event id.
type bodyMaker struct {
	token  string
	body   []byte
	idAt   int
	idSize int
}

func newBodyMaker(token string, body []byte, eventID string) (*bodyMaker, error) {
	at := bytes.Index(body, []byte(eventID))
	if at < 0 || len(eventID) != 36 {
		return nil, errors.New("the sample body does not hold its event id")
	}
	return &bodyMaker{token: token, body: body, idAt: at, idSize: len(eventID)}, nil
}

// workerMaker is a bodyMaker with buffers of its own.
type workerMaker struct {
	*bodyMaker
	body   []byte
	mac    hash.Hash
	prefix [8]byte
	count  uint64
}

func (b *bodyMaker) forWorker() *workerMaker {
	m := &workerMaker{bodyMaker: b, body: slices.Clone(b.body), mac: hmac.New(sha256.New, []byte(b.token))}
	rand.Read(m.prefix[:])
	return m
}

// next returns a body with an id that no other has. It is overwritten by the next one.
func (m *workerMaker) next() []byte {
	m.count++
	var count [8]byte
	binary.BigEndian.PutUint64(count[:], m.count)
	id := hex.AppendEncode(m.body[:m.idAt], m.prefix[:])
	id = append(id, '-')
	id = hex.AppendEncode(id, count[:])
	copy(m.body[len(id):], "---")
	return m.body
}

func (m *workerMaker) appendRequest(dst []byte, t target) []byte {
	body := m.next()
	m.mac.Reset()
	m.mac.Write(body)
	var sum [sha256.Size]byte
	dst = append(dst, "POST "...)
	dst = append(dst, t.path...)
	dst = append(dst, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Smartcar/1\r\nContent-Type: application/json\r\nSC-Signature: "...)
	dst = hex.AppendEncode(dst, m.mac.Sum(sum[:0]))
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
