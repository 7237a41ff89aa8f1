package ecsevent

import (
	"strings"
	"testing"
)

// FuzzARN: a name taken out of an ARN is a part of it without a slash, and a name stays itself.
func FuzzARN(f *testing.F) {
	for _, s := range []string{"", "arn:aws:ecs:us-east-1:123456789012:task/prod/0123", "arn:aws:ecs:us-east-1:123456789012:service/api", "api", "arn:", "service:api"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, got := range map[string]string{"task": TaskID(s), "cluster": ClusterName(s), "service": ServiceName(s)} {
			if !strings.Contains(s, got) {
				t.Errorf("%s of %q is %q, which is no part of it", what, s, got)
			}
			if strings.HasPrefix(s, "arn:") && strings.Contains(got, "/") {
				t.Errorf("%s of %q is %q, which is no name", what, s, got)
			}
			if !strings.HasPrefix(s, "arn:") && got != s {
				t.Errorf("%s of the name %q is %q", what, s, got)
			}
		}
		if name, ok := ServiceOfGroup(s); ok && s != "service:"+name {
			t.Errorf("group %q gave service %q", s, name)
		}
	})
}
