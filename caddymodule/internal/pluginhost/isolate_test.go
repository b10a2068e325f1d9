package pluginhost

import (
	"context"
	"fmt"
	"os"
)

// beEnvironHost prints what a process of the same user reads of this one's environment: on the first
// line any child, before there is a plugin; on the second a plugin.
func beEnvironHost(args []string) {
	out, err := startSelf("environ").Output()
	if err != nil {
		fail(err)
	}
	fmt.Printf("%q\n", out)
	p := New(Spec{Handler: "spy", Command: self(), Args: []string{"as", "fake"}, RuntimeDir: args[0]})
	if err := p.Start(context.Background()); err != nil {
		fail(err)
	}
	results, err := p.Handle(context.Background(), deliveries("environ"))
	if err != nil {
		fail(err)
	}
	fmt.Printf("%q\n", results[0].Error)
	_ = p.Stop(context.Background())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
