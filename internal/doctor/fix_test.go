package doctor

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// update is a change of an idle service, minimum one of a scalable target.
func update(ref control.ServiceRef, fields string) Change {
	return updateChange(&poolFacts{ref: ref, policy: &failover.Pool{}}, &ecs.UpdateServiceInput{}, fields)
}

func minimum(ref control.ServiceRef) Change {
	return minChange(&poolFacts{ref: ref, policy: &failover.Pool{}})
}

// TestServicesOfOneNameAreChangedEach: the name is one in another cluster, region or account, and the services are not.
func TestServicesOfOneNameAreChangedEach(t *testing.T) {
	one := control.ServiceRef{Region: "us-east-1", Cluster: "prod", Service: "api-standard"}
	for _, other := range []control.ServiceRef{
		{Region: "us-east-1", Cluster: "test", Service: "api-standard"},
		{Region: "eu-west-1", Cluster: "prod", Service: "api-standard"},
	} {
		r := Report{Results: []Result{{changes: []Change{update(one, "--a"), update(other, "--a"), minimum(one)}}, {changes: []Change{update(one, "--a"), minimum(other)}}}}
		got := r.Changes()
		if len(got) != 4 {
			t.Fatalf("%s and %s: %d changes, want two each: %+v", one, other, len(got), got)
		}
		for i, want := range []control.ServiceRef{one, other, one, other} {
			if got[i].ref != want || !strings.HasPrefix(got[i].Text, want.String()) {
				t.Errorf("change %d is %q of %s, want %s", i, got[i].Text, got[i].ref, want)
			}
		}
	}
}

// TestAFixIsSeenByItsService: one that still shows as it was is to be changed again, another of its name is not it.
func TestAFixIsSeenByItsService(t *testing.T) {
	ref := func(cluster, service string) control.ServiceRef {
		return control.ServiceRef{Region: "us-east-1", Cluster: cluster, Service: service}
	}
	made := []Change{update(ref("prod", "api-standard"), "--a --b"), minimum(ref("prod", "web-standard"))}
	for _, c := range []struct {
		name string
		left Change
		want bool
	}{
		{"half of it shows", update(ref("prod", "api-standard"), "--b"), true},
		{"a minimum", minimum(ref("prod", "web-standard")), true},
		{"the same name in another cluster", update(ref("test", "api-standard"), "--a --b"), false},
		{"another name", minimum(ref("prod", "other-standard")), false},
		{"something else of the same service", minimum(ref("prod", "api-standard")), false},
	} {
		if got := Again(made, []Change{c.left}); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
	if Again(made, nil) {
		t.Error("nothing is left, and something is")
	}
}
