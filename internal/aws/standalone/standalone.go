// Package standalone reads tasks of no service that have stopped, and starts them again on demand as they were.
package standalone

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/taskretry"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// describeMax is how many tasks one DescribeTasks call reads (ECS API reference).
	describeMax = 100
	// mainsMax bounds the revisions whose main container is remembered.
	mainsMax = 1000
	// awsTags are the tags that AWS sets itself, and managedTags those that ECS sets where it is asked to.
	awsTags, managedTags = "aws:", "aws:ecs:"
)

// Tasks is a [taskretry.Tasks]. It is safe for concurrent use.
type Tasks struct {
	cfg aws.Config

	mu      sync.Mutex
	clients map[string]*ecs.Client // by region
	mains   map[string]string      // the main container by the revision's ARN: revisions never change
}

// New returns the tasks that cfg's credentials reach. Nothing is called.
func New(cfg aws.Config) *Tasks {
	return &Tasks{cfg: cfg, clients: make(map[string]*ecs.Client), mains: make(map[string]string)}
}

func (t *Tasks) client(region string) *ecs.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[region]
	if c == nil {
		c = ecs.NewFromConfig(role.At(t.cfg, region, "", role.Session))
		t.clients[region] = c
	}
	return c
}

// Describe reads tasks with their tags; see [taskretry.Tasks].
func (t *Tasks) Describe(ctx context.Context, p *taskretry.Place, arns []string) (map[string]taskretry.Told, error) {
	out := make(map[string]taskretry.Told, len(arns))
	for part := range slices.Chunk(arns, describeMax) {
		err := t.describe(ctx, p, part, out)
		if failure.Kind(err) != failover.ErrInvalid {
			if err != nil {
				return nil, err
			}
			continue
		}
		for one := range slices.Chunk(part, 1) { // one that ECS refuses, as it is another account's, must not keep the others unread
			switch err := t.describe(ctx, p, one, out); failure.Kind(err) {
			case failover.ErrNone:
			case failover.ErrInvalid:
				out[one[0]] = taskretry.Told{Err: err}
			default:
				return nil, err
			}
		}
	}
	return out, nil
}

// describe reads tasks by one call into out.
func (t *Tasks) describe(ctx context.Context, p *taskretry.Place, part []string, out map[string]taskretry.Told) error {
	got, err := t.client(p.Region).DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &p.Cluster, Tasks: part, Include: []types.TaskField{types.TaskFieldTags}})
	if err != nil {
		return failure.Wrap("ecs:DescribeTasks", fmt.Sprintf("read %s of cluster %s", wording.Count(len(part), "stopped task"), p.Cluster), err)
	}
	for i := range got.Tasks {
		task := &got.Tasks[i]
		told := taskretry.Told{Tags: make(map[string]string, len(task.Tags))}
		for _, tag := range task.Tags {
			told.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if _, wanted := told.Tags[taskretry.TagRetry]; wanted {
			told.Call, told.Untold = callOf(p, task, told.Tags)
			switch told.Main, err = t.main(ctx, p, aws.ToString(task.TaskDefinitionArn)); failure.Kind(err) {
			case failover.ErrNone:
			case failover.ErrInvalid, failover.ErrNotFound: // it was deleted: the other tasks need not wait for that
				told.Untold = err.Error()
			default:
				return err
			}
		}
		_, told.OfService = ecsevent.ServiceOfGroup(aws.ToString(task.Group))
		told.End = runtask.EndOf(task, told.Main)
		out[aws.ToString(task.TaskArn)] = told
	}
	return nil
}

// main is the container of a revision whose exit code counts.
func (t *Tasks) main(ctx context.Context, p *taskretry.Place, revision string) (string, error) {
	t.mu.Lock()
	name, known := t.mains[revision]
	t.mu.Unlock()
	if known {
		return name, nil
	}
	d, err := t.client(p.Region).DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &revision})
	if err != nil {
		return "", failure.Wrap("ecs:DescribeTaskDefinition", "read task definition "+revision, err)
	}
	name = runtask.MainOf(d.TaskDefinition)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mains) >= mainsMax {
		clear(t.mains)
	}
	t.mains[revision] = name
	return name, nil
}

// callOf is the call that starts a task again as it was, but on demand, without token and the tags of the new start. untold says what it takes and
// ECS does not tell; empty: nothing. It is made of the task and the place alone, so that each guard makes the same.
func callOf(p *taskretry.Place, task *types.Task, tags map[string]string) (call *ecs.RunTaskInput, untold string) {
	call = &ecs.RunTaskInput{Cluster: task.ClusterArn, TaskDefinition: task.TaskDefinitionArn, Count: aws.Int32(1), Group: groupOf(task), StartedBy: starterOf(task),
		Overrides: task.Overrides, PlatformVersion: task.PlatformVersion, EnableExecuteCommand: task.EnableExecuteCommand,
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(string(failover.OnDemand)), Weight: 1}}}
	vpc := types.AwsVpcConfiguration{SecurityGroups: p.SecurityGroups, Subnets: p.Subnets, AssignPublicIp: types.AssignPublicIpDisabled}
	if p.PublicIP {
		vpc.AssignPublicIp = types.AssignPublicIpEnabled
	}
	if own := strings.Fields(tags[taskretry.TagSecurityGroups]); len(own) > 0 {
		vpc.SecurityGroups = own
	}
	for i := range task.Attachments {
		a := &task.Attachments[i]
		if aws.ToString(a.Type) == "AmazonElasticBlockStorage" {
			untold = "it has a volume of Amazon EBS, which ECS does not tell how to make again"
		}
		for _, d := range a.Details {
			if aws.ToString(d.Name) == "subnetId" && len(vpc.Subnets) == 0 {
				vpc.Subnets = []string{aws.ToString(d.Value)}
			}
		}
	}
	if len(vpc.Subnets) == 0 {
		untold = "ECS does not tell in which subnet it was; name subnets under `tasks` in the configuration"
	}
	call.NetworkConfiguration = &types.NetworkConfiguration{AwsvpcConfiguration: &vpc}
	for key, value := range tags {
		if !strings.HasPrefix(key, awsTags) && key != taskretry.TagAttempt && key != taskretry.TagOf {
			call.Tags = append(call.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
		}
		call.EnableECSManagedTags = call.EnableECSManagedTags || strings.HasPrefix(key, managedTags)
	}
	return call, untold
}

// starterOf leaves out a name that RunTask does not take: services of AWS write others, such as "AWS Step Functions".
func starterOf(task *types.Task) *string {
	if !runtask.StartedBy.MatchString(aws.ToString(task.StartedBy)) {
		return nil
	}
	return task.StartedBy
}

// groupOf is the group to ask for. That of the family is what ECS gives by itself, and RunTask may refuse to be asked for a group of that form.
func groupOf(task *types.Task) *string {
	family, _, _ := strings.Cut(aws.ToString(task.TaskDefinitionArn)[strings.LastIndexByte(aws.ToString(task.TaskDefinitionArn), '/')+1:], ":")
	if aws.ToString(task.Group) == "family:"+family {
		return nil
	}
	return task.Group
}

// Start starts a task again; see [taskretry.Tasks].
func (t *Tasks) Start(ctx context.Context, p *taskretry.Place, told *taskretry.Told, o taskretry.Order) (arn string, err error) {
	base, ok := told.Call.(*ecs.RunTaskInput)
	if !ok {
		return "", &taskretry.NoRoom{Reason: "the task was read without its tag"}
	}
	call := *base
	call.ClientToken = &o.Token
	call.Tags = slices.Clone(call.Tags)
	for key, value := range o.Tags {
		call.Tags = append(call.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	slices.SortFunc(call.Tags, func(a, b types.Tag) int { return strings.Compare(aws.ToString(a.Key), aws.ToString(b.Key)) }) // one token, one call
	out, err := t.client(p.Region).RunTask(ctx, &call)
	switch {
	case err != nil && runtask.NoRoom(err.Error()): // ECS has answered so, as an error
		return "", &taskretry.NoRoom{Reason: err.Error()}
	case err != nil:
		return "", failure.Wrap("ecs:RunTask", "start "+aws.ToString(call.TaskDefinition)+" again", err)
	case len(out.Tasks) > 0:
		return aws.ToString(out.Tasks[0].TaskArn), nil
	case len(out.Failures) > 0:
		return "", &taskretry.NoRoom{Reason: aws.ToString(out.Failures[0].Reason)}
	}
	return "", &taskretry.NoRoom{Reason: "it started nothing"}
}
