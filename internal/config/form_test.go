package config

import (
	"regexp"
	"strings"
	"testing"
)

// TestFormsMatchAsTheirExpressionsDo: a form is compiled without its long bounds, which are compared instead.
func TestFormsMatchAsTheirExpressionsDo(t *testing.T) {
	for _, f := range []*form{formName, formECSName, formCluster, formExternalID, formRole, formTopic, formTable, formTier, formLabel, formRegion} {
		re := regexp.MustCompile(f.text)
		for _, n := range []int{0, 1, 2, 3, 39, 40, 41, 61, 62, 63, 64, 99, 100, 101, 255, 256, 257, 512, 513, 1000, 1001} {
			name := strings.Repeat("a", n)
			for _, s := range []string{name, "!" + name, name + "/", "arn:aws:ecs:us-east-1:123456789012:cluster/" + name, "arn:aws:iam::123456789012:role/" + name,
				"arn:aws:sns:us-east-1:123456789012:" + name, "arn:aws:sns:us-east-1:123456789012:" + name + ".fifo", "us-east-1"} {
				if got, want := f.MatchString(s), re.MatchString(s); got != want {
					t.Errorf("%s: %d characters, %.40q: %t, want %t", f.text, n, s, got, want)
				}
			}
		}
	}
}
