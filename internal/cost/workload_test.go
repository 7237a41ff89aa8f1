package cost

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestATariffNamesItsPricesAndItsDate(t *testing.T) {
	pools := []Place{{"spot", "ap-northeast-1", failover.Spot}, {"standard", "ap-northeast-1", failover.OnDemand}}
	got, err := Table{}.Tariff(pools, ArticleSize, X86)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Spot", got.Pools["spot"].TaskHour, 0.0899)
	near(t, "on demand", got.Pools["standard"].TaskHour, 0.29072)
	if got.OnDemandTaskHour != got.Pools["standard"].TaskHour || got.Date != TableDate || got.Own {
		t.Errorf("%+v", got)
	}
	cheaper := got.Discounted(0.5)
	near(t, "half the on-demand price", cheaper.OnDemandTaskHour, 0.14536)
	near(t, "the on-demand pool too", cheaper.Pools["standard"].TaskHour, 0.14536)
	if cheaper.Pools["spot"] != got.Pools["spot"] || got.Pools["standard"].TaskHour < 0.29 {
		t.Error("a discount reached Spot, or the tariff it was taken from")
	}
	own := Table{}.With("2026-11-01", Key{"ap-northeast-1", X86, failover.OnDemand}, Rate{0.04, 0.004})
	if got, err = own.Tariff(pools, ArticleSize, X86); err != nil || !got.Own || got.Date != TableDate {
		t.Errorf("one own price: %+v, %v", got, err)
	}
}

func TestATariffSaysWhatIsNotKnown(t *testing.T) {
	got, err := Table{}.Tariff([]Place{{"spot", "ap-south-1", failover.Spot}, {"standard", "ap-south-1", failover.OnDemand}}, Size{1, 2}, ARM64)
	if err == nil || !strings.Contains(err.Error(), "FARGATE_SPOT ARM64 in ap-south-1") || got.Pools["standard"].TaskHour == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	alone, err := Table{}.Tariff([]Place{{"spot", "us-east-1", failover.Spot}}, Size{1, 2}, X86)
	if err != nil || alone.OnDemandTaskHour <= alone.Pools["spot"].TaskHour {
		t.Errorf("without an on-demand pool: %+v, %v", alone, err)
	}
}
