//go:build race

package integration

// memoryFactor is how much more memory a Caddy under test takes, timeFactor how much more time its senders have: it is
// the test's own program, and the race detector keeps several bytes for each, and looks at each access.
const memoryFactor, timeFactor = 6, 3

// siteLogLevel is that of Caddys with TLS. At DEBUG the events of Caddy's own handshakes read what its start still writes.
const siteLogLevel = "INFO"

// testsPerProcessor run side by side: with the detector they compute most of their time.
const testsPerProcessor = 1
