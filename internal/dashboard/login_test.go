package dashboard

import (
	"strings"
	"testing"
)

// TestALoginIsOfferedWhereItAllowsSomething: orders, or a look from another machine.
func TestALoginIsOfferedWhereItAllowsSomething(t *testing.T) {
	l := quietLab(t)
	for readOnly, offered := range map[bool]bool{false: true, true: false} {
		d := made(t, Options{Source: l.source, Token: token, ReadOnly: readOnly, Now: l.now})
		if body := ask(d, "GET", "/", "", nil).Body.String(); strings.Contains(body, "Log in") != offered {
			t.Errorf("read-only %v: a login is offered: %v", readOnly, !offered)
		}
	}
}
