package notice

import (
	"os"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestTheDocumentNamesEveryKindWithItsSeverity(t *testing.T) {
	doc, err := os.ReadFile("../../docs/notices.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Kinds() {
		if !strings.Contains(string(doc), "| `"+string(d.Kind)+"` | "+string(d.Severity)) {
			t.Errorf("docs/notices.md lacks %s with severity %s", d.Kind, d.Severity)
		}
	}
}

func TestEveryNoticeOfAPassHasAKindOfItsOwn(t *testing.T) {
	for key, want := range map[string]Kind{"mode/spot/1": Restored, "mode/mixed/1": CoverStarted, "mode/on_demand/1": FailoverStarted, "trip/spot/1": FailoverStarted, "restored/spot/1": Restored} {
		if got := kindOf(&failover.Notice{Key: "api/" + key}); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	for _, r := range []failover.Reason{failover.ReasonBlind, failover.ReasonWrittenOff, failover.ReasonOnDemandShort, failover.ReasonOnDemandMax, failover.ReasonBudget, failover.ReasonApplicationFailing,
		failover.ReasonConfigurationError, failover.ReasonQuota, failover.ReasonFailoverLimit, failover.ReasonDrift, failover.ReasonDeploymentFailed, failover.ReasonPaused,
		failover.ReasonBudgetUsed, failover.ReasonServiceGone, failover.ReasonCoverFailing, failover.ReasonReleaseFailing, failover.ReasonNoTraffic, failover.ReasonHealthUnread,
		failover.ReasonEcho, failover.ReasonRiseBounded, failover.ReasonFallHeld, failover.ReasonDemandRemembered} {
		if kindOf(&failover.Notice{Reason: r, Key: "api/x"}) == Other {
			t.Errorf("reason %s has no kind of its own", r)
		}
	}
}
