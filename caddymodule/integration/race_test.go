//go:build race

package integration

// memoryFactor is how much more memory a Caddy under test takes: it is the test's own
// program, and the race detector keeps several bytes for each.
const memoryFactor = 6
