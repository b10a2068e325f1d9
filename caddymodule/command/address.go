package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// usualSocket is where the admin endpoint listens with the unit for systemd in examples.
const usualSocket = "/run/caddy/admin.sock"

// defaultAddress is where Caddy's admin endpoint is if nothing is said: where CADDY_ADMIN says, which Caddy goes by too;
// else at the usual socket if there is one; else at Caddy's default. A socket in a folder that is closed to this user may
// be there: to be refused there says more than that nobody listens elsewhere.
func defaultAddress(socket string, lookup func(string) (string, bool)) (string, error) {
	if address, ok := lookup("CADDY_ADMIN"); ok && address != "" {
		return checkAddress(address)
	}
	if info, err := os.Stat(socket); err == nil && info.Mode()&os.ModeSocket != 0 || errors.Is(err, fs.ErrPermission) {
		return "unix/" + socket, nil
	}
	return checkAddress(caddy.DefaultAdminListen)
}

// givenAddress returns the address that --address names, with Caddy's default port where it has none. A scheme and a
// path, as people copy them, are left out.
func givenAddress(given string) (string, error) {
	if strings.HasPrefix(given, "https://") {
		return "", misusedf("--address %s: the admin endpoint is not asked over HTTPS;"+
			" write it as in Caddy's config, such as localhost:2019", given)
	}
	address := given
	if rest, ok := strings.CutPrefix(given, "http://"); ok {
		address, _, _ = strings.Cut(rest, "/")
	}
	const form = "write it as in Caddy's config, such as localhost:2019 or unix//run/caddy/admin.sock"
	to, err := caddy.ParseNetworkAddressWithDefaults(address, "tcp", defaultPort())
	if err != nil {
		return "", misusedf("--address %s: %w: %s", given, err, form)
	}
	if to.IsUnixNetwork() {
		return address, nil
	}
	if _, err := strconv.Atoi(to.Host); err == nil {
		return "", misusedf("--address %s: it is only a port: %s", given, form)
	}
	if to.PortRangeSize() != 1 || to.StartPort == 0 {
		return "", misusedf("--address %s: it has not one port: %s", given, form)
	}
	network := to.Network
	if network == "tcp" {
		network = "" // as people write it
	}
	return caddy.JoinNetworkAddress(network, to.Host, strconv.Itoa(int(to.StartPort))), nil
}

// defaultPort is that of Caddy's admin endpoint, which CADDY_ADMIN may have changed.
func defaultPort() uint {
	const usual = 2019
	to, err := caddy.ParseNetworkAddress(caddy.DefaultAdminListen)
	if err != nil || to.IsUnixNetwork() || to.StartPort == 0 {
		return usual
	}
	return to.StartPort
}

// checkAddress refuses the address of a config that is not one place.
func checkAddress(address string) (string, error) {
	to, err := caddy.ParseNetworkAddress(address)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the address %q of the admin endpoint: %w", address, err)
	case to.IsUnixNetwork():
		return address, nil
	case to.PortRangeSize() != 1 || to.StartPort == 0:
		return "", fmt.Errorf("the address %q of the admin endpoint has not one port, so nobody knows where Caddy listens:"+
			" write one in its config, such as localhost:2019", address)
	}
	return address, nil
}
