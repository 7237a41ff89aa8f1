package doctor

import (
	"cmp"
	"fmt"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// homeOfAlone is the bus on which the events of a cluster's tasks of no service arrive.
func (f *facts) homeOfAlone(t *config.Tasks) busAt {
	return busAt{cmp.Or(t.Region, f.homeRegion), f.account, defaultBus}
}

// checkAlone looks for a way of the event by which a task of no service is started again: nothing else tells of it.
func checkAlone(x *exam) verdict {
	if len(x.f.alone) == 0 {
		return okay("no task of no service is to be started again")
	}
	if v, none := x.noQueue(); none {
		return v
	}
	e := &x.f.events
	doubtful := ""
	for i := range x.f.alone {
		t := &x.f.alone[i]
		at := x.f.homeOfAlone(t)
		if t.Account != "" && t.Account != at.account {
			return bad(Fail, fmt.Sprintf("tasks: ...   # clusters of account %s alone; those of account %s need an installation there", at.account, t.Account), "cluster %s in `tasks` is one of account %s: tasks are started again in the guard's own account (%s) alone", t.Cluster, t.Account, at.account)
		}
		cluster := fmt.Sprintf("arn:%s:ecs:%s:%s:cluster/%s", x.f.partition(), at.region, at.account, t.Cluster)
		task := fmt.Sprintf("arn:%s:ecs:%s:%s:task/%s/%s", x.f.partition(), at.region, at.account, t.Cluster, sampleTask)
		event := fmt.Sprintf(`{"version":"0","id":"sample","detail-type":"ECS Task State Change","source":"aws.ecs","time":"2026-01-01T00:00:00Z","account":%q,"region":%q,"resources":[%q],
"detail":{"clusterArn":%q,"group":"family:sample","lastStatus":"STOPPED","desiredStatus":"STOPPED","launchType":"FARGATE","capacityProviderName":"FARGATE_SPOT","taskArn":%q,"stopCode":"SpotInterruption"}}`,
			at.account, at.region, task, cluster, task)
		switch e.arrives(at, event, 0) {
		case no:
			pattern := fmt.Sprintf(`{"source":["aws.ecs"],"detail-type":["ECS Task State Change"],"detail":{"clusterArn":[%q],"group":[{"anything-but":{"prefix":"service:"}}],"lastStatus":["STOPPED"]}}`, cluster)
			fix := fmt.Sprintf("aws events put-rule --region %[1]s --name backstop-%[2]s-alone --event-pattern '%[3]s'\naws events put-targets --region %[1]s --rule backstop-%[2]s-alone --targets Id=queue,Arn=%[4]s",
				at.region, t.Cluster, pattern, e.queueARN)
			return bad(Fail, fix, "no enabled rule sends the stops of tasks of no service in cluster %s to the queue: none of them is started again", t.Cluster)
		case maybe:
			doubtful = t.Cluster
		}
	}
	if doubtful != "" {
		return skip("whether the stops of tasks in cluster %s arrive cannot be told: %s", doubtful, cmp.Or(e.unread(), "its rules cannot be read"))
	}
	return okay("the stops of tasks of no service arrive from %s", wording.Count(len(x.f.alone), "cluster"))
}
