// Package hookurl says which URLs and addresses a webhook may have. It turns values into values and resolves nothing: a
// name is judged again where it leads, when it is called.
package hookurl

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// What can be wrong with a URL. None of them names it: it is a secret.
var (
	ErrAddress = errors.New("the address is this machine's own, link-local or a cloud's metadata service, which is refused")
	ErrURL     = errors.New("the URL is not one that can be called")
	ErrUser    = errors.New("the URL is not one that can be called: it has a user in it")
	ErrScheme  = errors.New("the URL must begin with https (http on this machine alone)")
)

// Parse reads a URL. local says that it names this machine in so many words.
func Parse(raw string) (u *url.URL, local bool, err error) {
	u, err = url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil || u.Host == "":
		return nil, false, ErrURL
	case u.User != nil:
		return nil, false, ErrUser
	}
	host := strings.ToLower(u.Hostname())
	addr, err := netip.ParseAddr(host)
	local = host == "localhost" || err == nil && addr.Unmap().IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, false, ErrScheme
	}
	if addr, err = netip.ParseAddr(strings.TrimSuffix(host, ".")); err == nil && !Allowed(addr, local) {
		return nil, false, ErrAddress
	}
	return u, local, nil
}

// OtherSlack says that a URL is one of Slack's that is no incoming webhook: a workflow's or a trigger's.
func OtherSlack(raw string) bool {
	u, err := url.Parse(strings.TrimSpace(raw))
	return err == nil && strings.EqualFold(u.Hostname(), "hooks.slack.com") && !strings.HasPrefix(u.Path, "/services/")
}

// metadata are addresses of clouds' metadata services outside of the link-local ranges.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("100.100.100.200"), // Alibaba
}

// Prefixes of IPv6 that lead to an IPv4 address.
var (
	compatible = netip.MustParsePrefix("::/96")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32") // through whichever relay it names
)

// Allowed says whether a connection to an address may be opened. local lets loopback pass.
func Allowed(a netip.Addr, local bool) bool {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid() || a.IsUnspecified() || slices.Contains(metadata, a):
		return false
	case a.IsLoopback():
		return local
	case a.IsLinkLocalUnicast() || a.IsMulticast() || teredo.Contains(a):
		return false
	case a.Is4():
		thisNetwork := a.As4()[0] == 0
		return !thisNetwork && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	for _, inner := range embedded(a) {
		if !Allowed(inner, local) {
			return false
		}
	}
	return true
}

// embedded returns the IPv4 addresses that an IPv6 one can lead to. Within the prefix for local NAT64 that depends on how
// long the network's own prefix is (RFC 6052), which nobody here knows: there are as many as can be addresses of a host.
func embedded(a netip.Addr) []netip.Addr {
	b := a.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case compatible.Contains(a) || nat64.Contains(a):
		return []netip.Addr{last}
	case sixToFour.Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	case !localNAT64.Contains(a):
		return nil
	}
	out := []netip.Addr{}
	for _, v4 := range [][4]byte{{b[6], b[7], b[9], b[10]}, {b[7], b[9], b[10], b[11]}, {b[9], b[10], b[11], b[12]}, [4]byte(b[12:])} {
		if v4[0] != 0 && v4[0] < 224 {
			out = append(out, netip.AddrFrom4(v4))
		}
	}
	return out
}
