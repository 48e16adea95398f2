package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// parseListen reads an address to listen on. Nothing or "localhost" in the place
// of the IP address stands for all addresses and for 127.0.0.1.
func parseListen(text string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("got %q, want an IP address and a port, such as \"127.0.0.1:7946\" or \"[::1]:7946\"", text)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("got port %q, want 0 to 65535", port)
	}
	switch host {
	case "":
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(n)), nil
	case "localhost":
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("got host %q, want an IP address, \"localhost\", or nothing for all addresses", host)
	}
	return netip.AddrPortFrom(ip, uint16(n)), nil
}

// checkAdvertise says what is wrong with an address that others are to be told.
func checkAdvertise(text string) error {
	at, err := netip.ParseAddrPort(text)
	switch {
	case err != nil:
		return fmt.Errorf("got %q, want an IP address, with a port or without, such as \"192.0.2.1:7946\"", text)
	case at.Addr().IsUnspecified() || at.Addr().IsMulticast():
		return fmt.Errorf("got %s, which is not the address of one host", at.Addr())
	}
	return nil
}

// checkHostPort says what is wrong with where a seed is.
func checkHostPort(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("got %q, want host:port", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("got port %q, want 1 to 65535", port)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Errorf("got %s, which is not the address of one host", ip)
		}
		return nil
	}
	if !validHost(host) {
		return fmt.Errorf("got host %q, want an IP address or a name", host)
	}
	return nil
}

// validHost reports whether a text could be the name of a host: labels of
// letters, digits, '-' and '_', which resolvers let pass. One that is all digits
// is a mistyped address.
func validHost(host string) bool {
	if len(host) > 253 || strings.Trim(host, ".0123456789") == "" {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}

// Prefixes of what else a seed can be. Package tunnel writes and reads both.
const (
	ticketPrefix  = "starling1"
	contactPrefix = "starlingpeer1"
)

// isToken reports whether a seed is a ticket or a contact.
func isToken(seed string) bool {
	return !strings.ContainsAny(seed, ".:") && (strings.HasPrefix(seed, ticketPrefix) || strings.HasPrefix(seed, contactPrefix))
}

// checkToken looks at the form of a ticket or contact only. It does not repeat
// what may be a secret.
func checkToken(seed string) error {
	body := strings.TrimPrefix(strings.TrimPrefix(seed, contactPrefix), ticketPrefix)
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if strings.Trim(body, base64url) != "" {
		return errors.New("holds characters that no ticket or contact has: was it broken into lines?")
	}
	if len(body) < 100 {
		return fmt.Errorf("is cut short: it has %d characters", len(seed))
	}
	return nil
}
