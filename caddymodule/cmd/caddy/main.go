// Command caddy is Caddy with this module: the program that xcaddy builds from xcaddy.json.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-smartcar/caddy-smartcar"
)

func main() {
	caddycmd.Main()
}
