package failover

import (
	"strings"
	"testing"
	"time"
)

func TestASecondRestoreDoesNotBeginTheRampAnew(t *testing.T) {
	l := newLab(t, PresetSwitch, 20)
	state, err := Apply(l.p, l.s, Intent{Kind: IntentFailover, At: l.now, By: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	if state, err = Apply(l.p, state, Intent{Kind: IntentRestore, At: l.now, By: "ops"}); err != nil {
		t.Fatal(err)
	}
	again, err := Apply(l.p, state, Intent{Kind: IntentRestore, At: l.now.Add(time.Minute), By: "ops"})
	if err == nil || !strings.Contains(err.Error(), "on its way back") {
		t.Errorf("a second restore is answered with %v", err)
	}
	if !again.Pools[0].B.StepAt.Equal(state.Pools[0].B.StepAt) {
		t.Error("the ramp began anew")
	}
}
