package forms

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Key is a token as it may have become the key.
type Key struct {
	// Name completes "the token …"; it is empty for the token itself. Value is secret.
	Name  string
	Value string
}

// Keys returns the forms of a token, itself first, each once, and none that is empty. What is given may be what a file
// holds, with a line end behind the token.
func Keys(given string) []Key {
	token := strings.Trim(given, " \t\r\n\"'`\ufeff")
	var list []Key
	add := func(name, value string) {
		if value == "" {
			return
		}
		for _, k := range list {
			if k.Value == value {
				return
			}
		}
		list = append(list, Key{name, value})
	}
	add("", token)
	add("with a line feed behind it", token+"\n")
	add("with a carriage return and a line feed behind it", token+"\r\n")
	add("with a blank behind it", token+" ")
	add("with a blank before it", " "+token)
	add("in quotes", `"`+token+`"`)
	add("in single quotes", "'"+token+"'")
	add("in capitals", strings.ToUpper(token))
	add("in small letters", strings.ToLower(token))
	bare := strings.ReplaceAll(token, "-", "")
	add("without its dashes", bare)
	add("without its dashes, in capitals", strings.ToUpper(bare))
	if raw, err := hex.DecodeString(bare); err == nil {
		add("decoded from hexadecimal digits", string(raw))
	}
	for _, e := range base64s {
		if raw, err := e.DecodeString(token); err == nil {
			add("decoded from base64", string(raw))
		}
	}
	add("with what stands around it", given)
	add("in base64", base64.StdEncoding.EncodeToString([]byte(token)))
	return list
}
