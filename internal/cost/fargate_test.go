package cost

import (
	"strings"
	"testing"
)

func TestSizesThatFargateHas(t *testing.T) {
	for _, s := range []Size{{0.25, 0.5}, {0.25, 2}, {0.5, 3}, {1, 2}, {2, 16}, {4, 30}, {8, 60}, {16, 120}} {
		if err := CheckFargate(s); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, c := range []struct {
		s    Size
		says string
	}{
		{Size{3, 8}, "has 3 vCPU; there are 0.25, 0.5, 1, 2, 4, 8, 16"},
		{Size{0.1, 1}, "there are 0.25"},
		{Size{32, 64}, "there are 0.25"},
		{Size{1, 16}, "with 1 vCPU go 2 to 8 GB in steps of 1"},
		{Size{8, 18}, "with 8 vCPU go 16 to 60 GB in steps of 4"},
		{Size{0.25, 1.5}, "with 0.25 vCPU go 0.5, 1 or 2 GB"},
		{Size{1, 2.5}, "with 1 vCPU go 2 to 8 GB"},
	} {
		if err := CheckFargate(c.s); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.s, err, c.says)
		}
	}
}
