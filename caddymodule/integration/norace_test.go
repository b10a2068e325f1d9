//go:build !race

package integration

// memoryFactor is how much more memory a Caddy under test takes.
const memoryFactor = 1
