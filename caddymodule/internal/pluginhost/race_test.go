//go:build race

package pluginhost

// raceDetector: what Go's runtime says when it gets no more memory differs with it.
const raceDetector = true
