package pluginhost

import "github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"

// maxText bounds a text that a plugin gives, in bytes: an error of a handler, a
// line in an error of ours.
const maxText = 1 << 10

// capText is s, printable and at most maxText bytes long.
func capText(s string) string { return capTo(s, maxText) }

// capTo is s, printable and at most n bytes long.
func capTo(s string, n int) string { return text.Clip(text.CleanLines(s), n) }
