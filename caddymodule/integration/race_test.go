//go:build race

package integration

// memoryFactor is how much more memory a Caddy under test takes, timeFactor how much more time its senders have: it is
// the test's own program, and the race detector keeps several bytes for each, and looks at each access.
const memoryFactor, timeFactor = 6, 3
