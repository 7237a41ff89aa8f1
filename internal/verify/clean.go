package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
)

// cleanFor is how long tasks are waited for to stop.
const cleanFor = 10 * time.Minute

// Clean takes away what is there of a run, whatever made it and wherever that was killed; a second time it finds nothing. What has the
// name of a run's resource and not its tag stays, and is the error. The dead man's switch goes last. It returns what it took away.
func Clean(ctx context.Context, o Options, id string) ([]string, error) {
	l, err := identify(ctx, o, id)
	if err != nil {
		return nil, err
	}
	return l.clean(ctx)
}

// cleaner takes away and keeps account.
type cleaner struct {
	*lab
	gone    []string
	strange []error
}

func (l *lab) clean(ctx context.Context) ([]string, error) {
	c := cleaner{lab: l}
	for _, step := range []func(context.Context) error{c.cluster, c.definitions, c.rule, c.messages, c.schedules} {
		if err := step(ctx); err != nil {
			return c.gone, err
		}
	}
	return c.gone, errors.Join(c.strange...)
}

// ours reports whether the tags are a run's; what is not is kept account of and stays.
func (c *cleaner) ours(kind, name string, value func(key string) string) bool {
	if value(TagKey) == c.id {
		return true
	}
	c.strange = append(c.strange, fmt.Errorf("%s %s does not have the tag %s=%s: it stays", kind, name, TagKey, c.id))
	return false
}

func (c *cleaner) took(kind, name string) {
	c.gone = append(c.gone, kind+" "+name)
	c.o.Say("took away " + kind + " " + name)
}

func ecsTag(tags []types.Tag) func(string) string {
	return func(key string) string {
		for _, t := range tags {
			if aws.ToString(t.Key) == key {
				return aws.ToString(t.Value)
			}
		}
		return ""
	}
}

// absent reports whether AWS says that something is not there.
func absent(err error) bool {
	return slices.Contains([]string{"ResourceNotFoundException", "ObjectNotFoundException", "ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException",
		"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}, failure.Code(err))
}

func (c *cleaner) cluster(ctx context.Context) error {
	name := c.name()
	out, err := c.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{name}, Include: []types.ClusterField{types.ClusterFieldTags}})
	if err != nil {
		return c.wrap("ecs:DescribeClusters", "describe the cluster "+name, err)
	}
	if len(out.Clusters) == 0 || aws.ToString(out.Clusters[0].Status) != "ACTIVE" {
		return nil
	}
	if !c.ours("cluster", name, ecsTag(out.Clusters[0].Tags)) {
		return nil
	}
	stay, err := c.servicesOf(ctx, name)
	if err != nil || stay {
		return err
	}
	if err := c.tasksOf(ctx, name); err != nil {
		return err
	}
	deadline := c.now().Add(cleanFor)
	for {
		_, err := c.ecs.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: &name})
		switch busy := (&types.ClusterContainsTasksException{}); {
		case err == nil:
			c.took("cluster", name)
			return nil
		case absent(err):
			return nil
		case !errors.As(err, &busy) && !errors.As(err, new(*types.ClusterContainsServicesException)) || !c.now().Before(deadline):
			return c.wrap("ecs:DeleteCluster", "delete the cluster "+name, err)
		}
		if err := c.wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// servicesOf deletes the services of the cluster; stay reports one that is not the run's.
func (c *cleaner) servicesOf(ctx context.Context, cluster string) (stay bool, err error) {
	list, err := c.ecs.ListServices(ctx, &ecs.ListServicesInput{Cluster: &cluster, MaxResults: aws.Int32(100)})
	if err != nil {
		return false, c.wrap("ecs:ListServices", "list the services of "+cluster, err)
	}
	for some := range slices.Chunk(list.ServiceArns, describedMost) {
		strange, err := c.deleteServices(ctx, cluster, some)
		if stay = stay || strange; err != nil {
			return stay, err
		}
	}
	return stay, nil
}

// describedMost is how many services DescribeServices takes.
const describedMost = 10

func (c *cleaner) deleteServices(ctx context.Context, cluster string, arns []string) (stay bool, err error) {
	found, err := c.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: arns, Include: []types.ServiceField{types.ServiceFieldTags}})
	if err != nil {
		return false, c.wrap("ecs:DescribeServices", "describe the services of "+cluster, err)
	}
	for i := range found.Services {
		s := &found.Services[i]
		name := aws.ToString(s.ServiceName)
		if aws.ToString(s.Status) != "ACTIVE" {
			continue
		}
		if !c.ours("service", name, ecsTag(s.Tags)) {
			stay = true
			continue
		}
		if name == serviceScaled { // before the service: nothing else leads to its scalable target
			if err := c.unscale(ctx); err != nil {
				return stay, err
			}
		}
		if _, err := c.ecs.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: &cluster, Service: &name, Force: aws.Bool(true)}); err != nil && !absent(err) {
			return stay, c.wrap("ecs:DeleteService", "delete the service "+name, err)
		}
		c.took("service", name)
	}
	return stay, nil
}

// tasksOf stops the tasks of the cluster that belong to no service.
func (c *cleaner) tasksOf(ctx context.Context, cluster string) error {
	list, err := c.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &cluster})
	if err != nil || len(list.TaskArns) == 0 {
		return c.wrap("ecs:ListTasks", "list the tasks of "+cluster, err)
	}
	found, err := c.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: list.TaskArns, Include: []types.TaskField{types.TaskFieldTags}})
	if err != nil {
		return c.wrap("ecs:DescribeTasks", "describe the tasks of "+cluster, err)
	}
	for i := range found.Tasks {
		t := &found.Tasks[i]
		if strings.HasPrefix(aws.ToString(t.Group), "service:") || !c.ours("task", "without a service", ecsTag(t.Tags)) {
			continue
		}
		if _, err := c.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: &cluster, Task: t.TaskArn, Reason: aws.String("backstop verify-aws clean")}); err != nil {
			return c.wrap("ecs:StopTask", "stop a task of "+cluster, err)
		}
		c.took("task", "without a service")
	}
	return nil
}

func (c *cleaner) definitions(ctx context.Context) error {
	name := c.name()
	list, err := c.ecs.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{FamilyPrefix: &name, Status: types.TaskDefinitionStatusActive})
	if err != nil {
		return c.wrap("ecs:ListTaskDefinitions", "list the task definitions of "+name, err)
	}
	for _, arn := range list.TaskDefinitionArns {
		short := arn[strings.LastIndexByte(arn, '/')+1:]
		out, err := c.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
		if err != nil {
			return c.wrap("ecs:DescribeTaskDefinition", "describe the task definition "+short, err)
		}
		if !c.ours("task definition", short, ecsTag(out.Tags)) {
			continue
		}
		if _, err := c.ecs.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &arn}); err != nil {
			return c.wrap("ecs:DeregisterTaskDefinition", "deregister the task definition "+short, err)
		}
		c.took("task definition", short)
	}
	return nil
}

func (c *cleaner) rule(ctx context.Context) error {
	name := c.name()
	rule, err := c.bus.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
	if absent(err) {
		return nil
	}
	if err != nil {
		return c.wrap("events:DescribeRule", "describe the rule "+name, err)
	}
	tags, err := c.bus.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: rule.Arn})
	if err != nil {
		return c.wrap("events:ListTagsForResource", "read the tags of the rule "+name, err)
	}
	if !c.ours("rule", name, func(key string) string {
		for _, t := range tags.Tags {
			if aws.ToString(t.Key) == key {
				return aws.ToString(t.Value)
			}
		}
		return ""
	}) {
		return nil
	}
	if _, err := c.bus.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &name, Ids: []string{targetID}}); err != nil && !absent(err) {
		return c.wrap("events:RemoveTargets", "remove the target of the rule "+name, err)
	}
	if _, err := c.bus.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name}); err != nil {
		return c.wrap("events:DeleteRule", "delete the rule "+name, err)
	}
	c.took("rule", name)
	return nil
}

// messages takes the queue away.
func (c *cleaner) messages(ctx context.Context) error {
	name := c.name()
	queue, err := c.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if absent(err) {
		return nil
	}
	if err != nil {
		return c.wrap("sqs:GetQueueUrl", "find the queue "+name, err)
	}
	tags, err := c.sqs.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: queue.QueueUrl})
	if absent(err) { // its URL is found for a minute after it was deleted
		return nil
	}
	if err != nil {
		return c.wrap("sqs:ListQueueTags", "read the tags of the queue "+name, err)
	}
	if !c.ours("queue", name, func(key string) string { return tags.Tags[key] }) {
		return nil
	}
	if _, err := c.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl}); err != nil && !absent(err) {
		return c.wrap("sqs:DeleteQueue", "delete the queue "+name, err)
	}
	c.took("queue", name)
	return nil
}

// schedules takes the dead man's switch away. Schedules can have no tags: theirs is the name, with the run's ID.
func (c *cleaner) schedules(ctx context.Context) error {
	prefix := c.name() + "-"
	gone := 0
	pages := scheduler.NewListSchedulesPaginator(c.scheduler, &scheduler.ListSchedulesInput{NamePrefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return c.wrap("scheduler:ListSchedules", "list the schedules of "+c.name(), err)
		}
		for i := range page.Schedules {
			name := page.Schedules[i].Name
			if _, err := c.scheduler.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: name}); err != nil && !absent(err) {
				return c.wrap("scheduler:DeleteSchedule", "delete the schedule "+aws.ToString(name), err)
			}
			gone++
		}
	}
	if gone > 0 {
		c.took("dead man's switch", fmt.Sprintf("(%d schedules)", gone))
	}
	return nil
}
