package doctor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestTargetsAddUpByGroupAndBalancer: two workloads behind one Network Load Balancer in two zones, one of them in both groups of a blue/green service.
func TestTargetsAddUpByGroupAndBalancer(t *testing.T) {
	group := func(name string) string {
		return "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/" + name + "/0123456789abcdef"
	}
	const lb = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/edge/0123456789abcdef"
	f := &facts{pools: map[Subject]*poolFacts{}}
	for _, name := range []string{"a", "b"} {
		blue, green := group(name), group(name+"-green")
		w := control.Workload{Name: name, Policy: failover.Policy{Demand: 10, Pools: []failover.Pool{{Name: "spot", Capacity: spot}, {Name: "standard", Capacity: onDemand, Tier: 1}}},
			Refs: []control.ServiceRef{{Region: "us-east-1", Cluster: "prod", Service: name}, {Region: "us-east-1", Cluster: "prod", Service: name + "-standard"}}}
		f.workloads = append(f.workloads, w)
		for k := range w.Refs {
			b := types.LoadBalancer{TargetGroupArn: &blue}
			p := &poolFacts{ref: w.Refs[k], policy: &w.Policy.Pools[k], subnets: []subnet{{zone: "us-east-1a"}, {zone: "us-east-1b"}}, balancers: map[string][]string{blue: {lb}}}
			if name == "b" {
				b.AdvancedConfiguration = &types.AdvancedConfiguration{AlternateTargetGroupArn: &green}
				p.balancers[green] = []string{lb}
			}
			p.service = &types.Service{LoadBalancers: []types.LoadBalancer{b}}
			f.pools[subjectOf(&w, k)] = p
		}
	}
	x := &exam{f: f, s: regionOf(place{region: "us-east-1"})}
	loads, unknown := x.loads()
	got := fmt.Sprint(unknown)
	for _, l := range loads {
		got += fmt.Sprintf(" %s=%d/%s", l.where, l.targets, l.limit.code)
	}
	if want := "[] a=20/L-A0D0B863 b-green=20/L-A0D0B863 b=20/L-A0D0B863 edge=60/L-EEF1AD04 edge=30/L-B211E961"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestRulesAreOfThePartitionOfTheAccount: a pattern with another matches nothing there.
func TestRulesAreOfThePartitionOfTheAccount(t *testing.T) {
	f := facts{identity: "arn:aws-us-gov:sts::123456789012:assumed-role/guard/x", account: "123456789012", homeRegion: "us-gov-west-1"}
	f.alone = []config.Tasks{{Cluster: "jobs"}}
	f.events.url = "https://queue"
	f.events.queueARN = "arn:aws-us-gov:sqs:us-gov-west-1:123456789012:backstop"
	f.events.place.region = f.homeRegion
	f.events.buses = map[busAt]*bus{f.homeOfAlone(&f.alone[0]): {}}
	ref := control.ServiceRef{Region: "us-gov-east-1", Cluster: "prod", Service: "api"}
	texts := []string{checkAlone(&exam{f: &f}).fix, f.ruleFor(ref)}
	for _, n := range samples(f.partition(), f.account, ref) {
		texts = append(texts, n.event)
	}
	for _, text := range texts {
		if strings.Contains(text, "arn:aws:") || !strings.Contains(text, "arn:aws-us-gov:ecs:us-gov-") {
			t.Errorf("%s", text)
		}
	}
}
