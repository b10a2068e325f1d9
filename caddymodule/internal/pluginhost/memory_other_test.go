//go:build !linux

package pluginhost

const canEatMemory = false

func eatMemory() { panic("out of memory") }
