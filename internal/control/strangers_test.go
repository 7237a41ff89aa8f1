package control_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// TestEventsOfUnguardedClustersAreSaidOnce: another service of a cluster that is guarded is no sign of another installation.
func TestEventsOfUnguardedClustersAreSaidOnce(t *testing.T) {
	const event = `{"id":"2","source":"aws.ecs","detail-type":"ECS Task State Change","region":"us-east-1","detail":{"group":"service:unknown",` +
		`"clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/prod","taskArn":"arn:aws:ecs:us-east-1:123456789012:task/prod/1","lastStatus":"RUNNING","desiredStatus":"STOPPED"}}`
	inBubble(t, 5, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		d := w.start("a", store)
		w.send(event)
		sleep(t, 5*time.Second)
		if got := d.loop.Strangers(); got.Count != 0 || d.logs.has("not guarded here") != 0 {
			t.Errorf("another service of the cluster is a stranger: %+v", got)
		}
		for _, cluster := range []string{"staging", "staging", "dev"} {
			w.send(strings.ReplaceAll(event, "prod", cluster))
		}
		sleep(t, 5*time.Second)
		got := d.loop.Strangers()
		slices.Sort(got.Clusters)
		if got.Count != 3 || !slices.Equal(got.Clusters, []string{"dev", "staging"}) || d.logs.has("not guarded here") != 1 {
			t.Errorf("met %+v, said %d times; want 3 events of dev and staging, said once", got, d.logs.has("not guarded here"))
		}
		d.finish()
	})
}

// TestAFunctionMeetsStrangersToo: it asks what a signal concerns, and reads the queue by other means.
func TestAFunctionMeetsStrangersToo(t *testing.T) {
	w := newWorld(t, 2, "api")
	l := w.loop("a", w.store(), w.services(), "api")
	l.Workloads[0].Refs[1].RoleARN = "arn:aws:iam::210987654321:role/backstop"
	for _, s := range []failover.Signal{
		{Region: region, Cluster: cluster, Service: "api-spot", Account: "123456789012"}, {Region: region, Cluster: cluster, Service: "other"},
		{Region: region, Service: "without-a-cluster"}, {Region: "eu-west-1", Cluster: cluster, Service: "api-spot"}} {
		if _, err := l.Concerned(s); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.Strangers(); got.Count != 1 {
		t.Errorf("met %+v, want the one of the other region", got)
	}
	var none control.Loop
	if got := none.Strangers(); got.Count != 0 {
		t.Errorf("met %+v before it began", got)
	}
}
