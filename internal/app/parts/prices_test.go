package parts

import (
	"math"
	"testing"

	"github.com/backstop-ecs/backstop/internal/config"
)

func priced(t *testing.T, more string) (spot, standard float64, f *config.File) {
	t.Helper()
	f, err := config.Parse([]byte(`version: 1
region: us-east-1
`+more+`
    pools:
      - {name: spot, cluster: c, service: a-spot, capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: a-standard, capacity: FARGATE}
`), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Workloads(f, "")
	if err != nil {
		t.Fatal(err)
	}
	pools := all[0].Policy.Pools
	return pools[0].TaskHourUSD, pools[1].TaskHourUSD, f
}

func TestATaskOfAKnownSizeHasItsPrice(t *testing.T) {
	spot, standard, f := priced(t, "workloads:\n  - name: a\n    task: {cpu: 4096, memory: 16384}")
	if math.Abs(spot-0.07418) > 1e-5 || math.Abs(standard-0.23304) > 1e-5 {
		t.Errorf("spot %g, standard %g", spot, standard)
	}
	if f.Workloads[0].Policy.Pools[0].TaskHourUSD != 0 {
		t.Error("the configuration itself was written to")
	}
}

func TestTheOperatorsOwnPriceGoesBeforeTheTable(t *testing.T) {
	spot, standard, _ := priced(t, `prices:
  date: 2026-11-01
  table:
    - {region: us-east-1, capacity: FARGATE, vcpu_hour_usd: 0.03, gb_hour_usd: 0.003}
workloads:
  - name: a
    task: {cpu: 1024, memory: 2048}`)
	if math.Abs(standard-0.036) > 1e-9 || spot == 0 || spot > standard {
		t.Errorf("spot %g, standard %g", spot, standard)
	}
}

func TestATaskOfUnknownSizeOrPriceHasNone(t *testing.T) {
	if spot, standard, _ := priced(t, "workloads:\n  - name: a"); spot != 0 || standard != 0 {
		t.Errorf("no size: spot %g, standard %g", spot, standard)
	}
	if spot, standard, _ := priced(t, "workloads:\n  - name: a\n    task: {cpu: 1024, memory: 2048, arch: ARM64}"); spot == 0 || standard == 0 {
		t.Errorf("ARM64 in us-east-1: spot %g, standard %g", spot, standard)
	}
}
