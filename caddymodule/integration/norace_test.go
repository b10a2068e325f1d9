//go:build !race

package integration

// memoryFactor is how much more memory a Caddy under test takes, timeFactor how much more time its senders have.
const memoryFactor, timeFactor = 1, 1

// siteLogLevel is that of Caddys with TLS.
const siteLogLevel = "DEBUG"

// testsPerProcessor run side by side: they wait for processes, and for what Caddy does after a time, more than they
// compute.
const testsPerProcessor = 2
