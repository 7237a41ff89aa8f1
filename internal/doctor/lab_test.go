package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/pulse"
	"github.com/backstop-ecs/backstop/internal/roster"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	cluster = "prod"
	region  = "us-east-1"
	demand  = 20
)

// lab is a sandbox with the twins of one workload as they should be, one pass of the daemon over them, and two reads
// of Elastic Load Balancing and EC2, answered as AWS answers them: of a target group's attributes and of subnets.
type lab struct {
	dead       bool // no daemon looks any more
	lively     bool // what can be tried is tried
	rolePolicy string
	paused     func() // called between repeated reads
	t          *testing.T
	box        *sandbox.Sandbox
	cfg        aws.Config
	file       *config.File
	delay      int            // deregistration delay in seconds
	free       map[string]int // addresses by subnet
	clock      time.Duration  // how far our clock is ahead
	skipELB    bool           // elb and ec2 are not offered (the sandbox has the first)
	denyEC2    bool
	// rulePattern, if set, is what the sandbox's own rule says, which cannot be changed there.
	rulePattern string
	// subscription, if set, is how the queue is subscribed to a topic of the sandbox's account.
	subscription map[string]string
	// guard, if set, has counted events since it was made.
	guard *pulse.Pulse
	// denyRules, if set, is a region whose rules may not be read.
	denyRules string
	// noMatch lets EventBridge say that no pattern matches.
	noMatch bool
	// controller, if set, is the deployment controller of the services, of which the sandbox knows ECS's own only.
	controller string
	// targetMax, if set, is how many targets a target group and a load balancer take.
	targetMax string
	// keyPolicy, if set, is the policy of the KMS key mine, which the sandbox has none of.
	keyPolicy string
	// refuses, if set, is the text with which ECS refuses to update a service.
	refuses string
	// tried, if set, is what became of a test of the receivers of notices.
	tried []doctor.Tried
}

// Do answers a call: the two reads itself, everything else from the sandbox.
func (l *lab) Do(r *http.Request) (*http.Response, error) {
	scope := r.Header.Get("Authorization")
	if l.rulePattern != "" && r.Header.Get("X-Amz-Target") == "AWSEvents.ListRules" {
		return l.rules(r)
	}
	if l.denyRules != "" && strings.Contains(scope, "/"+l.denyRules+"/events/") {
		text := `{"__type": "AccessDeniedException", "message": "not authorized to perform: events:ListRules"}`
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	}
	switch {
	case l.subscription != nil && strings.Contains(scope, "/sns/"):
		return l.subscriptions(r)
	case l.noMatch && r.Header.Get("X-Amz-Target") == "AWSEvents.TestEventPattern":
		return l.answered(r, `"Result":true`, `"Result":false`)
	case l.keyPolicy != "" && strings.Contains(scope, "/kms/"):
		return l.key(r)
	case l.controller != "" && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeServices"):
		return l.deployedBy(r)
	}
	if l.refuses != "" && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateService") {
		text := fmt.Sprintf(`{"__type": "InvalidParameterException", "message": %q}`, l.refuses)
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	}
	var service string
	switch {
	case strings.Contains(scope, "/elasticloadbalancing/"):
		service = "elb"
	case strings.Contains(scope, "/ec2/"):
		service = "ec2"
	}
	if service == "" || l.skipELB && service == "ec2" {
		return l.box.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if service == "elb" && !l.skipELB && form.Get("Action") != "DescribeTargetGroupAttributes" {
		r.Body = io.NopCloser(bytes.NewReader(body))
		if l.targetMax != "" && form.Get("Action") == "DescribeAccountLimits" {
			return l.answered(r, "<Max>1000</Max>", "<Max>"+l.targetMax+"</Max>")
		}
		return l.box.Do(r)
	}
	status, text := http.StatusOK, ""
	switch {
	case l.skipELB:
		status, text = http.StatusBadRequest, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>not offered</Message></Error><RequestId>1</RequestId></ErrorResponse>`
	case l.denyEC2 && service == "ec2":
		status, text = http.StatusForbidden, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized</Message></Error></Errors><RequestID>1</RequestID></Response>`
	case form.Get("Action") == "DescribeTargetGroupAttributes":
		text = fmt.Sprintf(`<DescribeTargetGroupAttributesResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetGroupAttributesResult><Attributes>
<member><Value>false</Value><Key>stickiness.enabled</Key></member><member><Value>%d</Value><Key>deregistration_delay.timeout_seconds</Key></member>
</Attributes></DescribeTargetGroupAttributesResult></DescribeTargetGroupAttributesResponse>`, l.delay)
	case form.Get("Action") == "DescribeSubnets":
		var items string
		for i := 1; form.Get(fmt.Sprintf("SubnetId.%d", i)) != ""; i++ {
			id := form.Get(fmt.Sprintf("SubnetId.%d", i))
			items += fmt.Sprintf("<item><subnetId>%s</subnetId><availabilityZone>%s%s</availabilityZone><availableIpAddressCount>%d</availableIpAddressCount></item>",
				id, region, id[len(id)-1:], l.free[id])
		}
		text = `<DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><subnetSet>` + items + `</subnetSet></DescribeSubnetsResponse>`
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// rules answers ListRules with the sandbox's rule under another pattern.
func (l *lab) rules(r *http.Request) (*http.Response, error) {
	text, err := json.Marshal(map[string]any{"Rules": []map[string]string{{"Name": "backstop-events", "EventPattern": l.rulePattern, "State": "ENABLED",
		"EventBusName": "default", "Arn": "arn:aws:events:us-east-1:123456789012:rule/backstop-events"}}})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
}

// deployedBy answers DescribeServices as the sandbox does, with another deployment controller.
func (l *lab) deployedBy(r *http.Request) (*http.Response, error) {
	return l.answered(r, `"deploymentController":{"type":"ECS"}`, `"deploymentController":{"type":"`+l.controller+`"}`)
}

// answered answers as the sandbox does, with another text for a part.
func (l *lab) answered(r *http.Request, was, is string) (*http.Response, error) {
	answer, err := l.box.Do(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(was), []byte(is))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return answer, nil
}

func network(subnets ...string) *types.NetworkConfiguration {
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: subnets, SecurityGroups: []string{"sg-api"}}}
}

func strategy(providers ...string) []types.CapacityProviderStrategyItem {
	var out []types.CapacityProviderStrategyItem
	for _, p := range providers {
		out = append(out, types.CapacityProviderStrategyItem{CapacityProvider: &p, Weight: 1})
	}
	return out
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, delay: 30, free: map[string]int{"subnet-a": 200, "subnet-b": 200}}
	l.box = sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, ReadLag: -1}})
	l.cfg = aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: l, RetryMaxAttempts: 1}
	policy, _ := failover.Preset(failover.PresetFill)
	policy.Overstart = 0.3 // the preset's may change
	policy.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	l.file = &config.File{Name: "backstop.yaml", Version: 1, Region: region, Tick: time.Minute, State: config.State{SQLite: filepath.Join(t.TempDir(), "state.db")},
		Events: config.Events{SQS: l.box.QueueURL()}, Workloads: []config.Workload{{Name: "api", Policy: policy, Pools: []config.PoolRef{
			{Name: "spot", Cluster: cluster, Service: "api-spot"}, {Name: "standard", Cluster: cluster, Service: "api-standard"}}}}}
	l.build()
	return l
}

func must[O any](l *lab) func(O, error) O {
	return func(o O, err error) O {
		l.t.Helper()
		if err != nil {
			l.t.Fatal(err)
		}
		return o
	}
}

func (l *lab) ecs() *ecs.Client { return ecs.NewFromConfig(l.cfg) }

// define registers a revision of the workload's task definition and returns its ARN.
func (l *lab) define(stopTimeout int32, arch types.CPUArchitecture) string {
	l.t.Helper()
	out := must[*ecs.RegisterTaskDefinitionOutput](l)(l.ecs().RegisterTaskDefinition(l.t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("api"),
		Cpu: aws.String("1024"), Memory: aws.String("2048"), NetworkMode: types.NetworkModeAwsvpc, RuntimePlatform: &types.RuntimePlatform{CpuArchitecture: arch},
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("api:1"), StopTimeout: aws.Int32(stopTimeout)}}}))
	return aws.ToString(out.TaskDefinition.TaskDefinitionArn)
}

// build makes everything as it should be.
func (l *lab) build() {
	l.t.Helper()
	ctx := l.t.Context()
	l.box.World(func(w *ecsim.World) {
		for _, p := range []string{ecsim.Fargate, ecsim.FargateSpot} {
			w.SetQuota(region, p, 200)
		}
	})
	must[*ecs.CreateClusterOutput](l)(l.ecs().CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(cluster)}))
	definition, targetGroup := l.define(120, types.CPUArchitectureX8664), l.balance()
	for _, s := range []struct {
		name, provider string
		count          int32
	}{{"api-spot", "FARGATE_SPOT", demand}, {"api-standard", "FARGATE", 0}} {
		must[*ecs.CreateServiceOutput](l)(l.ecs().CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: &s.name, TaskDefinition: &definition,
			DesiredCount: &s.count, CapacityProviderStrategy: strategy(s.provider), NetworkConfiguration: network("subnet-a", "subnet-b"),
			HealthCheckGracePeriodSeconds: aws.Int32(60), AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingDisabled, LoadBalancers: []types.LoadBalancer{{TargetGroupArn: aws.String(targetGroup), ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}}}))
	}
	l.register("api-spot", 1, 40, nil)
	l.queuePolicy(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`)
	l.advance(5 * time.Minute)
	l.pass()
}

// balance makes the target group of the services with all of a listener's traffic, and returns its ARN.
func (l *lab) balance() (arn string) {
	l.t.Helper()
	l.box.World(func(w *ecsim.World) {
		g := must[ecsim.TargetGroup](l)(w.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "api"}))
		lb := must[ecsim.LoadBalancer](l)(w.CreateLoadBalancer(region, "api", ecsim.ApplicationBalancer))
		must[ecsim.Listener](l)(w.CreateListener(region, lb.ARN, 80, "HTTP", []ecsim.Forward{{TargetGroup: g.ARN, Weight: 1}}))
		arn = g.ARN
	})
	return arn
}

func (l *lab) register(service string, low, high int32, suspended *scaling.SuspendedState) {
	l.t.Helper()
	must[*applicationautoscaling.RegisterScalableTargetOutput](l)(applicationautoscaling.NewFromConfig(l.cfg).RegisterScalableTarget(l.t.Context(),
		&applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
			ResourceId: aws.String("service/" + cluster + "/" + service), MinCapacity: &low, MaxCapacity: &high, SuspendedState: suspended}))
}

func (l *lab) queuePolicy(policy string) {
	l.t.Helper()
	must[*sqs.SetQueueAttributesOutput](l)(sqs.NewFromConfig(l.cfg).SetQueueAttributes(l.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: aws.String(l.box.QueueURL()),
		Attributes: map[string]string{"Policy": policy}}))
}

func (l *lab) advance(d time.Duration) { l.box.AdvanceTo(l.box.Now().Add(d)) }

// update changes a service.
func (l *lab) update(service string, change func(*ecs.UpdateServiceInput)) {
	l.t.Helper()
	in := &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: &service}
	change(in)
	must[*ecs.UpdateServiceOutput](l)(l.ecs().UpdateService(l.t.Context(), in))
}

// remake deletes a service and makes it anew.
func (l *lab) remake(service string, change func(*ecs.CreateServiceInput)) {
	l.t.Helper()
	ctx := l.t.Context()
	was := must[*ecs.DescribeServicesOutput](l)(l.ecs().DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{service}})).Services[0]
	must[*ecs.DeleteServiceOutput](l)(l.ecs().DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: &service, Force: aws.Bool(true)}))
	l.advance(5 * time.Minute)
	in := &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: &service, TaskDefinition: was.TaskDefinition, DesiredCount: &was.DesiredCount,
		CapacityProviderStrategy: was.CapacityProviderStrategy, NetworkConfiguration: was.NetworkConfiguration, LoadBalancers: was.LoadBalancers,
		HealthCheckGracePeriodSeconds: was.HealthCheckGracePeriodSeconds, AvailabilityZoneRebalancing: was.AvailabilityZoneRebalancing}
	change(in)
	must[*ecs.CreateServiceOutput](l)(l.ecs().CreateService(ctx, in))
	l.advance(5 * time.Minute)
}

// pass lets the daemon look once, without trouble.
func (l *lab) pass() {
	l.t.Helper()
	for _, r := range l.tryPass() {
		if r.Err != nil {
			l.t.Fatalf("%s: %s: %v", r.Workload, r.Result, r.Err)
		}
	}
}

// tryPass lets the daemon look once.
func (l *lab) tryPass() []control.Report {
	l.t.Helper()
	a := must[*app.App](l)(app.New(l.t.Context(), app.Options{Config: l.file, AWS: l.cfg, Now: l.box.Now}))
	reports := must[[]control.Report](l)(a.Step(l.t.Context()))
	if err := a.Close(); err != nil {
		l.t.Fatal(err)
	}
	return reports
}

// leftBehind leaves cover of a workload that is configured no more, as a guard finds it at its start.
func (l *lab) leftBehind() {
	l.t.Helper()
	ctx := l.t.Context()
	twin := must[*ecs.DescribeServicesOutput](l)(l.ecs().DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"api-standard"}})).Services[0]
	must[*ecs.CreateServiceOutput](l)(l.ecs().CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("old-standard"), TaskDefinition: twin.TaskDefinition,
		DesiredCount: aws.Int32(3), CapacityProviderStrategy: twin.CapacityProviderStrategy, NetworkConfiguration: twin.NetworkConfiguration}))
	l.advance(time.Minute)
	store := must[control.Store](l)(app.OpenStore(ctx, l.file))
	defer func() { _ = store.Close() }()
	old := control.Workload{Name: "old", Refs: []control.ServiceRef{{Region: region, Cluster: cluster, Service: "old-standard"}},
		Policy: failover.Policy{Pools: []failover.Pool{{Name: "standard", Capacity: failover.OnDemand}}}}
	must[[]roster.Entry](l)(roster.Note(ctx, store, []control.Workload{old}, l.box.Now()))
	roster.Say(ctx, store, service.New(l.cfg, service.Options{Scale: 1000}), must[[]control.Workload](l)(app.Workloads(l.file, l.cfg.Region)), l.box.Now, slog.New(slog.DiscardHandler))
}

// live leaves the sign of life of a daemon that looked just now, unless it is dead.
func (l *lab) live(store control.Store) {
	l.t.Helper()
	name := l.file.Workloads[0].Name
	records := must[map[string]control.Record](l)(store.Load(l.t.Context(), []string{name}))
	if _, known := records[name]; l.dead || !known {
		return
	}
	p := l.guard
	if p == nil {
		p = pulse.New("lab", []string{name}, time.Minute, l.box.Now)
		p.Tell(&control.Report{Workload: name, Result: control.Unchanged, Observation: failover.Observation{Signals: l.waiting()}})
	}
	p.Tell(&control.Report{Workload: name, Result: control.Unchanged})
	if err := p.Keep(l.t.Context(), store); err != nil {
		l.t.Fatal(err)
	}
}

// waiting takes what waits in the queue, as events of the workload's first two pools. A queue that is longer than a pass takes is left alone.
func (l *lab) waiting() (signals []failover.Signal) {
	l.t.Helper()
	if l.file.Events.SQS != l.box.QueueURL() {
		return nil
	}
	q := queue.New(l.cfg, l.box.QueueURL())
	for len(signals) < 1000 {
		msgs := must[[]control.Message](l)(q.Receive(l.t.Context(), 0))
		if len(msgs) == 0 {
			break
		}
		for i := range msgs {
			if s, ok, err := ecsevent.Parse(msgs[i].Body); err == nil && ok {
				s.Pool = strings.TrimPrefix(s.Service, "api-")
				signals = append(signals, s)
			}
		}
	}
	return signals
}

// examine runs the doctor.
func (l *lab) examine() doctor.Report {
	l.t.Helper()
	workloads := must[[]control.Workload](l)(app.Workloads(l.file, l.cfg.Region))
	opts := doctor.Options{File: l.file, Workloads: workloads, AWS: l.cfg, Now: func() time.Time { return l.box.Now().Add(l.clock) }}
	l.tries(&opts)
	if l.tried != nil {
		opts.Try = func(context.Context) []doctor.Tried { return l.tried }
	}
	opts.Store, opts.StoreErr = app.OpenStore(l.t.Context(), l.file)
	if opts.StoreErr == nil {
		defer func() { _ = opts.Store.Close() }()
		l.live(opts.Store)
	}
	return must[doctor.Report](l)(doctor.Run(l.t.Context(), opts))
}
