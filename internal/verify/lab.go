package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

// Options say where a run works and what it may cost.
type Options struct {
	AWS aws.Config
	// Subnets and SecurityGroups are where the tasks run. With Private they get no public address, and must reach public.ecr.aws otherwise.
	Subnets, SecurityGroups []string
	Private                 bool
	// SwitchRole is the ARN of the role by which EventBridge Scheduler acts.
	SwitchRole string
	// TargetGroup is the ARN of a target group of the user's, of the type ip, in which experiment 7 may have targets; empty: it is left out.
	TargetGroup string
	// ExecutionRole is the ARN of a task execution role, by which experiment 5 also asks for a secret that is not there; empty: it does not.
	ExecutionRole string
	// MaxUSD is what the run may cost at most.
	MaxUSD float64
	// Experiments are the numbers of those to run; empty: all.
	Experiments []int
	// Now and Wait are our clock. Scale is how many seconds pass for AWS in one of ours: the speed of a sandbox; 0 means 1.
	Now   func() time.Time
	Wait  func(ctx context.Context, d time.Duration) error
	Scale float64
	// Say is told of each step, Save keeps what is known so far. Share, if set, gets the corpus of the events that came (ledger.Corpus): it has no identifier of the account.
	Say   func(text string)
	Save  func(Report) error
	Share func(corpus []byte) error
}

const (
	// pollEvery is the time between two looks, stopsWithin how long stopping tasks may take.
	pollEvery   = 15 * time.Second
	stopsWithin = 5 * time.Minute
	// clusterWithin is how long a new cluster may take until it is ACTIVE.
	clusterWithin = 3 * time.Minute
	targetID      = "verify"
	image         = "public.ecr.aws/docker/library/busybox:stable"
	noImage       = "public.ecr.aws/docker/library/busybox:does-not-exist"
	taskCPU       = "256"
	taskMemory    = "512"
	largeCPU      = "16384"
	largeMemory   = "32768"
)

// What the tasks run: nothing, and a web server.
const (
	idles   = "trap 'exit 0' TERM; sleep 86400 & wait"
	answers = "trap 'exit 0' TERM; mkdir -p /tmp/www; echo ok > /tmp/www/index.html; httpd -f -p 8080 -h /tmp/www & wait"
)

// The services of a run.
const (
	serviceProof    = "proof"
	serviceReads    = "reads"
	serviceStart    = "start-up"
	serviceOnDemand = "start-up-on-demand"
	serviceScaleIn  = "scale-in"
	serviceBroken   = "broken"
	serviceShort    = "short"
	serviceDeploy   = "deploy"
	serviceScaled   = "scaled"
	serviceBalanced = "balanced"
	serviceSecret   = "secret"
)

var services = []string{serviceProof, serviceReads, serviceStart, serviceOnDemand, serviceScaleIn, serviceBroken, serviceShort, serviceDeploy, serviceScaled, serviceBalanced, serviceSecret}

// lab is the account as a run works in it.
type lab struct {
	place
	o         Options
	ecs       *ecs.Client
	sqs       *sqs.Client
	bus       *eventbridge.Client
	scheduler *scheduler.Client
	quotas    *servicequotas.Client
	scaling   *applicationautoscaling.Client
	elb       *elasticloadbalancingv2.Client

	begun, local time.Time // AWS's clock and ours at the first answer
	switchAt     time.Time
	queue        string
	made         map[string]bool // services
	events       []event
	raw          []json.RawMessage // the same as they came
	seen         ledger.Observations
	lags         []float64      // of new services, in seconds
	spotQuota    float64        // in vCPU
	said         map[int]string // by experiment, what AWS said
}

// identify makes a lab of an account: it asks who we are, and AWS's clock on the way.
func identify(ctx context.Context, o Options, id string) (*lab, error) {
	l := &lab{o: o, ecs: ecs.NewFromConfig(o.AWS), sqs: sqs.NewFromConfig(o.AWS), bus: eventbridge.NewFromConfig(o.AWS), scheduler: scheduler.NewFromConfig(o.AWS),
		quotas: servicequotas.NewFromConfig(o.AWS), scaling: applicationautoscaling.NewFromConfig(o.AWS), elb: elasticloadbalancingv2.NewFromConfig(o.AWS), made: map[string]bool{}, seen: ledger.Observations{}, said: map[int]string{}}
	if l.o.Scale <= 0 {
		l.o.Scale = 1
	}
	out, err := sts.NewFromConfig(o.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, l.wrap("sts:GetCallerIdentity", "identify the caller", err)
	}
	arn := strings.Split(aws.ToString(out.Arn), ":")
	if len(arn) < 6 {
		return nil, errors.New("identify the caller: AWS answered with no ARN")
	}
	l.place = place{id, o.AWS.Region, aws.ToString(out.Account), arn[1]}
	l.local = o.Now()
	if l.begun = answeredAt(out.ResultMetadata); l.begun.IsZero() {
		l.begun = l.local
	}
	l.switchAt = l.begun.Add(SwitchAfter)
	return l, nil
}

// answeredAt is AWS's clock at an answer, to the second; zero if the answer does not tell.
func answeredAt(m middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(m)
	return at
}

// now is AWS's clock.
func (l *lab) now() time.Time {
	return l.begun.Add(time.Duration(float64(l.o.Now().Sub(l.local)) * l.o.Scale))
}

// wait lets so much of AWS's time go by, and reads the events that have come.
func (l *lab) wait(ctx context.Context, d time.Duration) error {
	return l.o.Wait(ctx, time.Duration(float64(d)/l.o.Scale))
}

var accountID = regexp.MustCompile(`\b[0-9]{12}\b`)

// redacted is a text without account IDs: errors and reports are shared.
func redacted(text string) string { return accountID.ReplaceAllString(text, "************") }

// redactedError is an error whose text shows no account ID.
type redactedError struct{ error }

func (e redactedError) Error() string { return redacted(e.error.Error()) }

// Unwrap returns the error as AWS gave it.
func (e redactedError) Unwrap() error { return e.error }

func (l *lab) wrap(action, object string, err error) error {
	if err == nil {
		return nil
	}
	return redactedError{failure.Wrap(action, object, err)}
}

// furnish makes the cluster, the task definitions, the queue and the rule.
func (l *lab) furnish(ctx context.Context) error {
	name := l.name()
	tags := []types.Tag{{Key: aws.String(TagKey), Value: &l.id}}
	if _, err := l.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name, CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, Tags: tags}); err != nil {
		return l.wrap("ecs:CreateCluster", "make the cluster "+name, err)
	}
	if err := l.clusterReady(ctx); err != nil {
		return err
	}
	for _, d := range []struct{ image, cpu, memory, command string }{{image, taskCPU, taskMemory, idles}, {noImage, taskCPU, taskMemory, idles}, {image, largeCPU, largeMemory, idles},
		{image, taskCPU, taskMemory, answers}} { // revisions 1 to 4
		if _, err := l.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: &name, Cpu: &d.cpu, Memory: &d.memory, NetworkMode: types.NetworkModeAwsvpc,
			RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, Tags: tags,
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("idle"), Image: &d.image, Essential: aws.Bool(true), StopTimeout: aws.Int32(2),
				PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(servedPort)}}, Command: []string{"sh", "-c", d.command}}}}); err != nil {
			return l.wrap("ecs:RegisterTaskDefinition", "make a task definition "+name, err)
		}
	}
	if l.o.ExecutionRole != "" { // revision 5
		if _, err := l.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: &name, Cpu: aws.String(taskCPU), Memory: aws.String(taskMemory), NetworkMode: types.NetworkModeAwsvpc,
			RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, Tags: tags, ExecutionRoleArn: &l.o.ExecutionRole,
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("idle"), Image: aws.String(image), Essential: aws.Bool(true), Command: []string{"sh", "-c", idles},
				Secrets: []types.Secret{{Name: aws.String("MISSING"), ValueFrom: aws.String(fmt.Sprintf("arn:%s:ssm:%s:%s:parameter/%s-does-not-exist", l.partition, l.region, l.account, name))}}}}}); err != nil {
			return l.wrap("ecs:RegisterTaskDefinition", "make a task definition "+name, err)
		}
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, l.queueARN(), l.ruleARN())
	queue, err := l.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"Policy": policy}, Tags: map[string]string{TagKey: l.id}})
	if err != nil {
		return l.wrap("sqs:CreateQueue", "make the queue "+name, err)
	}
	l.queue = aws.ToString(queue.QueueUrl)
	return l.listen(ctx)
}

// clusterReady waits until the cluster takes services: its capacity providers are attached after it is made.
func (l *lab) clusterReady(ctx context.Context) error {
	for deadline := l.now().Add(clusterWithin); ; {
		out, err := l.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{l.name()}})
		if err != nil {
			return l.wrap("ecs:DescribeClusters", "describe the cluster "+l.name(), err)
		}
		if len(out.Clusters) > 0 && aws.ToString(out.Clusters[0].Status) == "ACTIVE" {
			return nil
		}
		if !l.now().Before(deadline) {
			return fmt.Errorf("make the cluster %s: it is not ACTIVE after %s", l.name(), clusterWithin)
		}
		if err := l.wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// tasks are those of a service that ECS lists as wanted (RUNNING), or as not (STOPPED).
func (l *lab) tasks(ctx context.Context, service string, desired types.DesiredStatus) ([]types.Task, error) {
	list, err := l.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(l.name()), ServiceName: &service, DesiredStatus: desired})
	if err != nil {
		return nil, l.wrap("ecs:ListTasks", "list the tasks of "+service, err)
	}
	if len(list.TaskArns) == 0 {
		return nil, nil
	}
	out, err := l.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(l.name()), Tasks: list.TaskArns})
	if err != nil {
		return nil, l.wrap("ecs:DescribeTasks", "describe the tasks of "+service, err)
	}
	return out.Tasks, nil
}

// definition is the task definition of a service: revision 2 has an image that does not exist, 3 is larger than the quota has room for, 4 answers on a port, and 5 has a secret that is not there.
func (l *lab) definition(service string) string {
	revision := map[string]string{serviceBroken: ":2", serviceShort: ":3", serviceBalanced: ":4", serviceSecret: ":5"}[service]
	return l.name() + cmp.Or(revision, ":1")
}

func (l *lab) network() *types.NetworkConfiguration {
	public := types.AssignPublicIpEnabled
	if l.o.Private {
		public = types.AssignPublicIpDisabled
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: l.o.Subnets, SecurityGroups: l.o.SecurityGroups, AssignPublicIp: public}}
}

// create makes a service of a run, and measures how long it cannot be found.
func (l *lab) create(ctx context.Context, service string, strategy []types.CapacityProviderStrategyItem, count int32) error {
	definition := l.definition(service)
	in := &ecs.CreateServiceInput{Cluster: aws.String(l.name()), ServiceName: &service, TaskDefinition: &definition, DesiredCount: &count,
		CapacityProviderStrategy: strategy, Tags: []types.Tag{{Key: aws.String(TagKey), Value: &l.id}}, PropagateTags: types.PropagateTagsService,
		AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingDisabled, NetworkConfiguration: l.network()}
	if service == serviceBalanced {
		in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &l.o.TargetGroup, ContainerName: aws.String("idle"), ContainerPort: aws.Int32(servedPort)}}
		in.HealthCheckGracePeriodSeconds = aws.Int32(600)
	}
	if _, err := l.ecs.CreateService(ctx, in); err != nil {
		return l.wrap("ecs:CreateService", "make the service "+service, err)
	}
	l.made[service] = true
	from := l.now()
	lag := 0.0
	for l.now().Sub(from) < freshLimit {
		out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{service}})
		if err != nil {
			return l.wrap("ecs:DescribeServices", "describe "+service, err)
		}
		if len(out.Services) > 0 {
			l.lags = append(l.lags, lag)
			return nil
		}
		if err := l.wait(ctx, freshEvery); err != nil {
			return err
		}
		lag = l.now().Sub(from).Seconds()
	}
	return fmt.Errorf("make the service %s: DescribeServices does not show it after %s", service, freshLimit)
}

// count sets the desired count of a service and returns AWS's clock at the answer.
func (l *lab) count(ctx context.Context, service string, n int32) (time.Time, error) {
	_, err := l.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(l.name()), Service: &service, DesiredCount: &n})
	return l.now(), l.wrap("ecs:UpdateService", "set the desired count of "+service, err)
}

// errLate ends a phase whose time is over.
var errLate = errors.New("its time was over")

// until polls until done says so, and reads the events on the way. At the deadline it returns errLate.
func (l *lab) until(ctx context.Context, deadline time.Time, done func() (bool, error)) error {
	for {
		if err := l.drain(ctx); err != nil {
			return err
		}
		ok, err := done()
		if ok || err != nil {
			return err
		}
		if !l.now().Before(deadline) {
			return errLate
		}
		if err := l.wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// settled waits until n tasks of a service are RUNNING and wanted, and no other is wanted, and returns them.
func (l *lab) settled(ctx context.Context, service string, n int, deadline time.Time) (tasks []types.Task, err error) {
	err = l.until(ctx, deadline, func() (bool, error) {
		if tasks, err = l.tasks(ctx, service, types.DesiredStatusRunning); err != nil || len(tasks) != n {
			return false, err
		}
		for i := range tasks {
			if aws.ToString(tasks[i].LastStatus) != "RUNNING" {
				return false, nil
			}
		}
		return true, nil
	})
	return tasks, err
}

// stopped waits until every task of a service that ECS lists as not wanted is STOPPED, and returns them.
func (l *lab) stopped(ctx context.Context, service string, deadline time.Time) (tasks []types.Task, err error) {
	err = l.until(ctx, deadline, func() (bool, error) {
		if tasks, err = l.tasks(ctx, service, types.DesiredStatusStopped); err != nil {
			return false, err
		}
		for i := range tasks {
			if aws.ToString(tasks[i].LastStatus) != "STOPPED" {
				return false, nil
			}
		}
		return true, nil
	})
	return tasks, err
}

// empty sets a service to 0 and waits until none of its tasks runs. It returns the stopped ones.
func (l *lab) empty(ctx context.Context, service string) ([]types.Task, error) {
	if _, err := l.count(ctx, service, 0); err != nil {
		return nil, err
	}
	deadline := l.now().Add(stopsWithin)
	if _, err := l.settled(ctx, service, 0, deadline); err != nil {
		return nil, err
	}
	return l.stopped(ctx, service, deadline)
}
