package control

import (
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestPoolsAreComparedWithTheFirstThatWasReadBesideThem(t *testing.T) {
	web, bare := map[string]string{"loadBalancers": "a", "networkConfiguration": "b"}, map[string]string{"networkConfiguration": "c"}
	for name, c := range map[string]struct {
		refs  []ServiceRef
		forms []map[string]string
		want  []string
	}{
		"the same":                    {[]ServiceRef{{}, {}}, []map[string]string{web, web}, []string{"", ""}},
		"another":                     {[]ServiceRef{{}, {}}, []map[string]string{web, bare}, []string{"", "loadBalancers, networkConfiguration"}},
		"unread":                      {[]ServiceRef{{}, {}}, []map[string]string{web, nil}, []string{"", ""}},
		"the first is unread":         {[]ServiceRef{{}, {}, {}}, []map[string]string{nil, web, bare}, []string{"", "", "loadBalancers, networkConfiguration"}},
		"another region is no twin's": {[]ServiceRef{{Region: "a"}, {Region: "b"}, {Region: "b"}}, []map[string]string{web, bare, web}, []string{"", "", "loadBalancers, networkConfiguration"}},
		"another account":             {[]ServiceRef{{}, {RoleARN: "r"}}, []map[string]string{web, bare}, []string{"", ""}},
	} {
		pools := make([]failover.PoolObservation, len(c.refs))
		for i := range pools {
			pools[i].Form, pools[i].Differs = c.forms[i], "of before"
		}
		compareTwins(c.refs, pools)
		for i := range pools {
			if pools[i].Differs != c.want[i] {
				t.Errorf("%s: pool %d differs in %q, want %q", name, i, pools[i].Differs, c.want[i])
			}
		}
	}
}
