package config

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestDrainReachesThePolicyWithItsDefaultOnlyWhereItIsOn(t *testing.T) {
	f, err := Parse([]byte(`version: 1
workloads:
  - name: api
    pools:
      - {name: a, cluster: prod, service: api-a, capacity: FARGATE_SPOT, drain: late}
      - {name: b, cluster: prod, service: api-b, capacity: FARGATE_SPOT, drain: late, drain_before: 2m}
      - {name: c, cluster: prod, service: api-c, capacity: FARGATE, drain_before: 1m}
`), "backstop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		drain  failover.Drain
		before time.Duration
	}{{failover.DrainLate, 25 * time.Second}, {failover.DrainLate, 2 * time.Minute}, {failover.DrainOff, 0}} {
		if p := f.Workloads[0].Policy.Pools[i]; p.Drain != want.drain || p.DrainBefore != want.before {
			t.Errorf("pool %s drains %q at %s, want %q at %s", p.Name, p.Drain, p.DrainBefore, want.drain, want.before)
		}
	}
}
