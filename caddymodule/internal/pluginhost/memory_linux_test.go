package pluginhost

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

const canEatMemory = true

// eatMemory lets this process have hardly more memory than it has, and wants more,
// until Go's runtime ends it.
func eatMemory() {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var pages uint64
	if _, err := fmt.Fscan(strings.NewReader(string(stat)), &pages); err != nil {
		panic(err)
	}
	limit := pages*uint64(os.Getpagesize()) + 64<<20
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		panic(err)
	}
	var eaten [][]byte
	for range 64 {
		bite := make([]byte, 32<<20)
		bite[0] = 1
		eaten = append(eaten, bite)
	}
	panic(fmt.Sprint("the limit does not hold: have ", len(eaten), " bites"))
}
