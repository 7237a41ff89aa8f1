package hookurl

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesThatAreNobodysWebhookAreRefused(t *testing.T) {
	for _, test := range []struct {
		addr        string
		want, local bool
	}{
		{"93.184.216.34", true, true}, {"10.0.0.7", true, true}, {"2606:2800:220:1::1", true, true}, {"fd12:3456::1", true, true},
		{"127.0.0.1", false, true}, {"127.8.8.8", false, true}, {"::1", false, true}, {"::ffff:127.0.0.1", false, true},
		{"169.254.169.254", false, false}, {"169.254.170.2", false, false}, {"::ffff:169.254.169.254", false, false},
		{"fe80::1", false, false}, {"fe80::1%eth0", false, false}, {"0.0.0.0", false, false}, {"::", false, false},
		{"0.1.2.3", false, false}, {"224.0.0.1", false, false}, {"255.255.255.255", false, false}, {"ff02::1", false, false},
		// clouds' metadata
		{"fd00:ec2::254", false, false}, {"fd00:ec2::23", false, false}, {"fd20:ce::254", false, false}, {"100.100.100.200", false, false},
		{"168.63.129.16", false, false}, {"192.0.0.192", false, false}, {"::ffff:168.63.129.16", false, false},
		// IPv4 within IPv6
		{"::169.254.169.254", false, false}, {"::127.0.0.1", false, true}, {"::0.0.0.2", false, false}, {"::8.8.8.8", true, true},
		{"64:ff9b::a9fe:a9fe", false, false}, {"64:ff9b::7f00:1", false, true}, {"64:ff9b::808:808", true, true},
		{"64:ff9b:1::a9fe:a9fe", false, false}, {"64:ff9b:1::808:808", true, true}, {"64:ff9b:1:abcd:12:3400:808:808", true, true},
		{"64:ff9b:1:a9fe:a9:fe00::", false, false}, {"64:ff9b:1:a9:fe:a9fe::", false, false}, {"64:ff9b:1:0:a9:fea9:fe00:0", false, false},
		{"2002:a9fe:a9fe::", false, false}, {"2002:7f00:1::", false, true}, {"2002:808:808::1", true, true}, {"2002:a83f:8110::1", false, false},
		{"2001:0:a9fe:a9fe::1", false, false}, {"2001:db8::1", true, true},
	} {
		a := netip.MustParseAddr(test.addr)
		if got := Allowed(a, false); got != test.want {
			t.Errorf("%s is allowed: %v, want %v", test.addr, got, test.want)
		}
		if got := Allowed(a, true); got != test.local {
			t.Errorf("%s is allowed for a URL that names this machine: %v, want %v", test.addr, got, test.local)
		}
	}
	if Allowed(netip.Addr{}, true) {
		t.Error("no address is allowed")
	}
}

func TestURLsThatCannotBeAWebhooksAreRefusedAsTheyStand(t *testing.T) {
	for raw, want := range map[string]error{
		"https://hooks.example.com/T0KEN": nil, "https://10.0.0.7/T0KEN": nil, "https://[2606:2800:220:1::1]:8443/T0KEN": nil,
		"http://localhost:9/T0KEN": nil, "http://127.0.0.1/T0KEN": nil, "https://[::1]/T0KEN": nil,
		"https://169.254.169.254/T0KEN": ErrAddress, "https://169.254.169.254./T0KEN": ErrAddress, "https://[fe80::1%25eth0]/T0KEN": ErrAddress,
		"https://127.0.0.1./T0KEN": ErrAddress, "https://[::ffff:a9fe:a9fe]/T0KEN": ErrAddress, "https://[2002:7f00:1::]/T0KEN": ErrAddress,
		"https://T0KEN:x@hooks.example.com/": ErrUser, "https://@hooks.example.com/T0KEN": ErrUser,
		"http://hooks.example.com/T0KEN": ErrScheme, "ftp://localhost/T0KEN": ErrScheme, "T0KEN": ErrURL, "https://h:T0KEN/": ErrURL,
	} {
		_, _, err := Parse(raw)
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "T0KEN") {
			t.Errorf("%s: the error shows it: %v", raw, err)
		}
	}
}
