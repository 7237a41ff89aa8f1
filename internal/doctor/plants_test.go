package doctor_test

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// plant is one thing that is wrong in an otherwise healthy set-up, and the check that names it.
type plant struct {
	what   string
	do     func(l *lab)
	check  string
	status doctor.Status
	says   string // part of the text
	// also are other checks that rightly find something of it.
	also []string
}

func deny(operation string) func(l *lab) {
	return func(l *lab) {
		if _, err := l.box.AddFault(sandbox.Fault{Kind: "denied", Operation: operation}); err != nil {
			l.t.Fatal(err)
		}
	}
}

func updated(service string, change func(*ecs.UpdateServiceInput)) func(l *lab) {
	return func(l *lab) { l.update(service, change); l.advance(5 * time.Minute); l.pass() }
}

func remade(service string, change func(*ecs.CreateServiceInput)) func(l *lab) {
	return func(l *lab) { l.remake(service, change); l.pass() }
}

// refusing lets ECS refuse the cover of a loss with a text.
func refusing(text string) func(l *lab) {
	return func(l *lab) {
		l.refuses = text
		l.box.World(func(w *ecsim.World) {
			w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, demand/2)
		})
		l.advance(3 * time.Minute) // until the tasks are stopped, as this pass hears no events
		l.tryPass()
	}
}

// withKey encrypts the queue with a key of this policy, and no event has come.
func withKey(statement string) func(l *lab) {
	return func(l *lab) {
		l.deaf()
		l.keyPolicy = `{"Version":"2012-10-17","Statement":[` + statement + `]}`
		l.queueAttribute("KmsMasterKeyId", "alias/mine")
	}
}

func quota(provider string, vcpu float64) func(l *lab) {
	return func(l *lab) { l.box.World(func(w *ecsim.World) { w.SetQuota(region, provider, vcpu) }) }
}

const far = "us-west-2"

// elsewhere adds a pool in another region.
func elsewhere(capacity failover.Capacity, writeOffAfter time.Duration) func(l *lab) {
	return func(l *lab) {
		if err := l.box.Setup(sandbox.Twins{Region: far, Cluster: cluster, Name: "api", CPU: 1024, Memory: 2048}); err != nil {
			l.t.Fatal(err)
		}
		w := &l.file.Workloads[0]
		w.Policy.WriteOffAfter = writeOffAfter
		w.Policy.Pools = append(w.Policy.Pools, failover.Pool{Name: "far", Capacity: capacity, Tier: 2})
		name := map[failover.Capacity]string{failover.Spot: "api-spot", failover.OnDemand: "api-standard"}[capacity]
		w.Pools = append(w.Pools, config.PoolRef{Name: "far", Cluster: cluster, Service: name, Region: far})
		l.pass()
	}
}

var plants = []plant{
	{"a receiver of notices that refuses", func(l *lab) {
		l.file.Notify = []config.Notify{{SNS: "arn:aws:sns:us-east-1:123456789012:a"}, {SNS: "arn:aws:sns:us-east-1:123456789012:b"}}
		l.tried = []doctor.Tried{{Receiver: "topic a"}, {Receiver: "topic b", Err: errors.New("it answers with status 404"), Hint: "name another topic"}}
	}, "receivers", doctor.Fail, "1 of 2 receivers took no test: topic b: it answers with status 404", nil},
	{what: "credentials that AWS refuses", do: deny("sts:*"), check: "credentials", status: doctor.Fail, says: "AccessDenied"},
	{what: "a clock seven minutes ahead", do: func(l *lab) { l.clock = 7 * time.Minute }, check: "clock-skew", status: doctor.Fail, says: "7m0s ahead of"},
	{what: "a clock a minute behind", do: func(l *lab) { l.clock = -time.Minute }, check: "clock-skew", status: doctor.Warn, says: "1m0s behind"},
	{what: "ecs:ListTasks is not allowed", do: deny("ecs:ListTasks"), check: "permissions", status: doctor.Fail, says: "not allowed: ecs:ListTasks"},
	{what: "ec2:DescribeSubnets is not allowed", do: func(l *lab) { l.denyEC2 = true }, check: "permissions", status: doctor.Warn, says: "only the doctor needs it"},
	{what: "ECS answers with server errors", do: func(l *lab) {
		if _, err := l.box.AddFault(sandbox.Fault{Kind: "server_error", Operation: "ecs:DescribeTasks"}); err != nil {
			l.t.Fatal(err)
		}
	}, check: "aws-answers", status: doctor.Fail, says: "describe tasks of"},
	{what: "an on-demand quota of 6 vCPU, AWS's default", do: quota(ecsim.Fargate, 6), check: "on-demand-quota", status: doctor.Fail, says: "a full failover needs 26 vCPU (26 tasks), the on-demand quota is 6"},
	{what: "a Spot quota that just holds the demand", do: quota(ecsim.FargateSpot, 22), check: "spot-quota", status: doctor.Warn, says: "needs 20 vCPU"},
	{what: "a workload of 3,000 tasks", do: func(l *lab) { l.file.Workloads[0].Policy.Demand = 3000 }, check: "launch-rate", status: doctor.Warn, says: "longer than half of the notice",
		also: []string{"on-demand-quota", "spot-quota", "subnet-addresses", "scaling-max", "target-limits"}},
	{what: "a target group that takes 40 targets, for 20 on Spot and 26 of cover", do: func(l *lab) { l.targetMax = "40" }, check: "target-limits", status: doctor.Fail,
		says: "may be 46 targets in api; the limit of a target group is 40: tasks beyond it get no traffic"},
	{what: "a target group that just takes Spot and cover side by side", do: func(l *lab) { l.targetMax = "50" }, check: "target-limits", status: doctor.Warn, says: "46 targets"},
	{what: "no queue in the configuration", do: func(l *lab) { l.file.Events.SQS = "" }, check: "events-configured", status: doctor.Fail, says: "no queue"},
	{what: "a queue that does not exist", do: func(l *lab) { l.file.Events.SQS += "-gone" }, check: "queue-reachable", status: doctor.Fail, says: "does not exist"},
	{what: "a queue without a policy", do: func(l *lab) { l.queuePolicy("") }, check: "queue-policy", status: doctor.Fail, says: "may not send"},
	{what: "a queue's policy that names another rule", do: func(l *lab) {
		l.queuePolicy(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-east-1:123456789012:rule/another"}}}]}`)
	}, check: "queue-policy", status: doctor.Fail, says: "its policy names rule/another"},
	{what: "a queue's policy that denies what it allows", do: func(l *lab) {
		l.queuePolicy(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"},{"Sid":"Closed","Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`)
	}, check: "queue-policy", status: doctor.Fail, says: "the statement Closed of the queue's policy denies"},
	{what: "a queue's policy whose condition cannot be judged, and no event so far", do: func(l *lab) {
		l.deaf()
		l.queuePolicy(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"}}}}`)
	}, check: "queue-policy", status: doctor.Warn, says: "hangs on conditions"},
	{what: "a queue with the key that AWS manages for SQS", do: func(l *lab) { l.queueAttribute("KmsMasterKeyId", "alias/aws/sqs") }, check: "queue-key", status: doctor.Fail, says: "EventBridge cannot use"},
	{what: "a queue with a key of one's own, and no event so far", do: func(l *lab) { l.deaf(); l.queueAttribute("KmsMasterKeyId", "alias/mine") }, check: "queue-key", status: doctor.Warn, says: "is encrypted with mine"},
	{what: "a queue with a key of one's own, whose policy leaves EventBridge out", do: withKey(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`),
		check: "queue-key", status: doctor.Fail, says: "does not let rule/backstop-events kms:generatedatakey"},
	{what: "a queue with a key of one's own, whose policy asks for what cannot be judged", do: withKey(`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"}}}`),
		check: "queue-key", status: doctor.Warn, says: "hangs on conditions of its policy"},
	{what: "a target that cuts the event down", do: func(l *lab) {
		l.target(func(t *ebtypes.Target) { t.InputPath = aws.String("$.detail") })
	}, check: "rule-targets", status: doctor.Fail, says: "it sends a part of it (InputPath $.detail)"},
	{what: "a topic on the way whose subscription has a filter, and no event so far", do: func(l *lab) {
		l.deaf()
		overTopic(map[string]string{"FilterPolicy": "{}"})(l)
	}, check: "rules-match", status: doctor.Warn, says: "ecs-events has a filter"},
	{what: "a pool in another account, and no rule there that forwards", do: abroad, check: "rules-match", status: doctor.Fail, says: "the two-minute warning of api-standard"},
	{what: "a pool in another account, whose rules may not be read", do: func(l *lab) {
		abroad(l)
		l.denyRules = far
	}, check: "rules-match", status: doctor.Warn, says: "the rules of account 210987654321 in us-west-2 cannot be read"},
	{what: "tasks of no service in a cluster whose events are sent for services alone", do: func(l *lab) {
		l.file.Tasks = []config.Tasks{{Cluster: "prod", Region: region, SecurityGroups: []string{"sg-1"}}}
		l.rulePattern = `{"source":["aws.ecs"],"$or":[{"detail":{"group":[{"prefix":"service:"}]}},{"detail-type":[{"anything-but":"ECS Task State Change"}]}]}`
	}, check: "tasks-match", status: doctor.Fail, says: "no enabled rule sends the stops of tasks of no service in cluster prod"},
	{what: "tasks of no service in a cluster of another account", do: func(l *lab) {
		l.file.Tasks = []config.Tasks{{Cluster: "prod", Region: region, Account: "999999999999", SecurityGroups: []string{"sg-1"}}}
	}, check: "tasks-match", status: doctor.Fail, says: "cluster prod in `tasks` is one of account 999999999999"},
	{what: "a queue that nobody empties", do: func(l *lab) {
		for range 60 { // restarts of all tasks, a hundred events and more each
			l.box.World(func(w *ecsim.World) {
				w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, demand, "", false)
			})
			l.advance(5 * time.Minute)
		}
		l.pass()
	}, check: "queue-drained", status: doctor.Fail, says: "nothing reads them"},
	{what: "a message in the dead-letter queue", do: func(l *lab) {
		must[*sqs.SendMessageOutput](l)(sqs.NewFromConfig(l.cfg).SendMessage(l.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(l.box.QueueURL() + "-dlq"), MessageBody: aws.String("?")}))
	}, check: "dead-letter-queue", status: doctor.Warn, says: "holds 1 message that"},
	{what: "a rule for stopped tasks only, which misses the warning", do: func(l *lab) {
		l.rulePattern = `{"source":["aws.ecs"],"detail":{"lastStatus":["STOPPED"]}}`
	}, check: "rules-match", status: doctor.Fail, says: "the two-minute warning of api-spot"},
	{what: "a rule with * in a cluster's ARN, which matches nothing", do: func(l *lab) {
		l.rulePattern = `{"source":["aws.ecs"],"detail":{"clusterArn":["arn:aws:ecs:*:*:cluster/prod"]}}`
	}, check: "rules-match", status: doctor.Fail, says: "placement failures of api-spot"},
	{what: "two installations with other clusters on one queue", do: shared, check: "queue-own", status: doctor.Warn, says: "7 events of clusters that are not guarded here"},
	{what: "tasks that were stopped and started, and no event of them", do: func(l *lab) { l.replaced() }, check: "events-arrive", status: doctor.Fail, says: "its events do not arrive"},
	{what: "tasks that were stopped and started, and events of the starts alone", do: func(l *lab) {
		l.replaced()
		l.hears(failover.SignalRunning)
	}, check: "events-arrive", status: doctor.Warn, says: "and no event of that has come; the last of any kind came at"},
	{what: "a state file that cannot be opened", do: func(l *lab) { l.file.State.SQLite = filepath.Join(l.file.State.SQLite, "x") }, check: "state-store", status: doctor.Fail, says: "SQLite file"},
	{what: "a cluster that does not exist", do: func(l *lab) { l.file.Workloads[0].Pools[1].Cluster = "elsewhere" }, check: "cluster-exists", status: doctor.Fail, says: "no cluster elsewhere"},
	{what: "a standby that was never made", do: func(l *lab) { l.file.Workloads[0].Pools[1].Service = "api-ondemand" }, check: "service-exists", status: doctor.Fail, says: "no service api-ondemand"},
	{what: "a service that CodeDeploy deploys", do: func(l *lab) { l.controller = "CODE_DEPLOY" }, check: "service-kind", status: doctor.Warn, says: "made by CODE_DEPLOY"},
	{what: "a service that an external controller deploys", do: func(l *lab) { l.controller = "EXTERNAL" }, check: "service-kind", status: doctor.Fail, says: "made by EXTERNAL"},
	{what: "weights as a fallback: FARGATE and FARGATE_SPOT in one service", do: updated("api-spot", func(in *ecs.UpdateServiceInput) {
		in.CapacityProviderStrategy, in.ForceNewDeployment = strategy("FARGATE_SPOT", "FARGATE"), true
	}), check: "strategy", status: doctor.Fail, says: "Weights are not a fallback"},
	{what: "both services on FARGATE_SPOT", do: updated("api-standard", func(in *ecs.UpdateServiceInput) {
		in.CapacityProviderStrategy, in.ForceNewDeployment = strategy("FARGATE_SPOT"), true
	}), check: "strategy", status: doctor.Fail, says: "the pool says FARGATE, the service runs on FARGATE_SPOT"},
	{what: "the default stopTimeout of 30 seconds", do: func(l *lab) {
		d := l.define(30, types.CPUArchitectureX8664)
		for _, s := range []string{"api-spot", "api-standard"} {
			l.update(s, func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &d })
		}
		l.advance(20 * time.Minute)
		l.pass()
	}, check: "stop-timeout", status: doctor.Warn, says: "app has 30 s"},
	{what: "a deregistration delay of 300 seconds, AWS's default", do: func(l *lab) { l.delay = 300 }, check: "deregistration-delay", status: doctor.Warn, says: "5m0s"},
	{what: "a deployment under way", do: func(l *lab) {
		l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.ForceNewDeployment = true })
		l.advance(20 * time.Second)
	}, check: "deployment", status: doctor.Warn, says: "under way"},
	{what: "the deployment circuit breaker on Spot", do: updated("api-spot", func(in *ecs.UpdateServiceInput) {
		in.DeploymentConfiguration = &types.DeploymentConfiguration{DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}}
	}), check: "circuit-breaker", status: doctor.Warn, says: "rolls a good release back"},
	{what: "auto scaling with a minimum on the standby", do: func(l *lab) {
		l.register("api-standard", 2, 40, nil)
		l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(0) })
		l.advance(5 * time.Minute)
	}, check: "scaling-standby", status: doctor.Fail, says: "min 2"},
	{what: "a policy on the standby", do: func(l *lab) {
		l.register("api-standard", 0, 40, nil)
		l.policy("api-standard", byCPU())
	}, check: "scaling-standby", status: doctor.Fail, says: "a scaler on the standby: the policy load moves its count"},
	{what: "target tracking by the CPU of the Spot service alone", do: func(l *lab) { l.policy("api-spot", byCPU()) }, check: "scaling-metric", status: doctor.Fail,
		says: "follows ECSServiceAverageCPUUtilization of api-spot alone: when Spot runs nothing"},
	{what: "target tracking by a metric of one's own, whose tasks nobody can tell", do: func(l *lab) {
		l.policy("api-spot", &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(100), CustomizedMetricSpecification: &scaling.CustomizedMetricSpecification{
			Namespace: aws.String("Workers"), MetricName: aws.String("BacklogPerTask"), Statistic: scaling.MetricStatisticAverage}})
	}, check: "scaling-metric", status: doctor.Warn, says: "Workers/BacklogPerTask, of which cannot be told"},
	{what: "step scaling by an alarm on the CPU of the Spot service alone", do: func(l *lab) {
		l.putPolicy("api-spot", &applicationautoscaling.PutScalingPolicyInput{PolicyType: scaling.PolicyTypeStepScaling, StepScalingPolicyConfiguration: &scaling.StepScalingPolicyConfiguration{
			AdjustmentType: scaling.AdjustmentTypeChangeInCapacity, StepAdjustments: []scaling.StepAdjustment{{MetricIntervalLowerBound: aws.Float64(0), ScalingAdjustment: aws.Int32(2)}}}})
		l.steer("alarm", `{"cluster": "prod", "service": "api-spot", "policy": "load", "metric": "cpu", "threshold": 70}`)
	}, check: "scaling-metric", status: doctor.Fail, says: "acts on the alarm api-spot-load, which follows CPUUtilization of api-spot alone"},
	{what: "predictive scaling that learns from the Spot service alone", do: func(l *lab) { l.putPolicy("api-spot", forecasting("ECSServiceCPUUtilization")) },
		check: "scaling-metric", status: doctor.Fail, says: "learns from ECSServiceCPUUtilization of api-spot alone"},
	{what: "predictive scaling on a service that a breaker parks", do: func(l *lab) {
		w := &l.file.Workloads[0]
		w.Policy.Preset, w.Policy.ParkScaling = failover.PresetSwitch, true
		l.putPolicy("api-spot", forecasting("ALBRequestCount"))
	}, check: "scaling-schedule", status: doctor.Warn, says: "AWS does not say that a suspension holds it"},
	{what: "a backlog per task of the Spot service", do: func(l *lab) { l.policy("api-spot", byBacklog()) }, check: "scaling-backlog", status: doctor.Fail,
		says: "divides by the tasks of api-spot alone: each task that Spot cannot hold"},
	{what: "a schedule with a minimum of 0 on a service that a breaker parks", do: func(l *lab) {
		policy, _ := failover.Preset(failover.PresetSwitch)
		policy.Overstart, policy.Pools = 0.3, l.file.Workloads[0].Policy.Pools
		l.file.Workloads[0].Policy = policy
		must[*applicationautoscaling.PutScheduledActionOutput](l)(applicationautoscaling.NewFromConfig(l.cfg).PutScheduledAction(l.t.Context(), &applicationautoscaling.PutScheduledActionInput{ServiceNamespace: "ecs",
			ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/" + cluster + "/api-spot"), ScheduledActionName: aws.String("night"), Schedule: aws.String("cron(0 22 * * ? *)"),
			ScalableTargetAction: &scaling.ScalableTargetAction{MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(40)}}))
	}, check: "scaling-schedule", status: doctor.Warn, says: "night sets the minimum to 0"},
	{what: "auto scaling's maximum below the demand", do: func(l *lab) {
		l.register("api-spot", 1, 10, nil)
		l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(demand) })
		l.advance(5 * time.Minute)
	}, check: "scaling-max", status: doctor.Fail, says: "max 10, the demand is 20"},
	{what: "auto scaling left suspended", do: func(l *lab) {
		l.register("api-spot", 1, 40, &scaling.SuspendedState{DynamicScalingInSuspended: aws.Bool(true)})
	}, check: "scaling-suspended", status: doctor.Warn, says: "scale-in is suspended"},
	{what: "one subnet", do: func(l *lab) {
		for _, s := range []string{"api-spot", "api-standard"} {
			l.update(s, func(in *ecs.UpdateServiceInput) { in.NetworkConfiguration = network("subnet-a") })
		}
		l.advance(20 * time.Minute)
		l.pass()
	}, check: "zones", status: doctor.Warn, says: "one availability zone"},
	{what: "subnets without addresses", do: func(l *lab) { l.free = map[string]int{"subnet-a": 3} }, check: "subnet-addresses", status: doctor.Fail, says: "3 addresses are free, 26 tasks may have to start"},
	{what: "the standby on an older task definition", do: func(l *lab) {
		d := l.define(120, types.CPUArchitectureX8664)
		l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &d })
		l.advance(20 * time.Minute)
		l.pass()
	}, check: "twins-same", status: doctor.Fail, says: "api-standard: taskDefinition api:1, not api:2"},
	{what: "another security group on the standby", do: updated("api-standard", func(in *ecs.UpdateServiceInput) {
		in.NetworkConfiguration = network("subnet-a", "subnet-b")
		in.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-old"}
	}), check: "twins-same", status: doctor.Fail, says: `securityGroups ["sg-old"], not ["sg-api"]`},
	{what: "a standby without a target group", do: remade("api-standard", func(in *ecs.CreateServiceInput) {
		in.LoadBalancers, in.HealthCheckGracePeriodSeconds = nil, aws.Int32(60)
	}),
		check: "twins-same", status: doctor.Fail, says: "gets no traffic"},
	{what: "Cloud Map on one of the twins", do: remade("api-standard", func(in *ecs.CreateServiceInput) {
		in.ServiceRegistries = []types.ServiceRegistry{{RegistryArn: aws.String("arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1")}}
	}), check: "twins-possible", status: doctor.Fail, says: "Cloud Map"},
	{what: "platform version 1.3.0 on the standby", do: updated("api-standard", func(in *ecs.UpdateServiceInput) { in.PlatformVersion = aws.String("1.3.0") }),
		check: "twins-same", status: doctor.Fail, says: "platformVersion 1.3.0, not 1.4.0"},
	{what: "an ARM64 task definition on the standby", do: func(l *lab) {
		d := l.define(120, types.CPUArchitectureArm64)
		l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.TaskDefinition = &d })
		l.advance(5 * time.Minute)
	}, check: "twins-architecture", status: doctor.Warn, says: "ARM64, not X86_64"},
	{what: "another health check grace period on the standby", do: updated("api-standard", func(in *ecs.UpdateServiceInput) { in.HealthCheckGracePeriodSeconds = aws.Int32(0) }),
		check: "twins-same", status: doctor.Warn, says: "healthCheckGracePeriodSeconds 0, not 60"},
	{what: "enableExecuteCommand on one side", do: updated("api-standard", func(in *ecs.UpdateServiceInput) { in.EnableExecuteCommand = aws.Bool(true) }),
		check: "twins-same", status: doctor.Warn, says: "enableExecuteCommand true, not false"},
	{what: "a demand of nothing", do: updated("api-spot", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(0) }), check: "demand-owner", status: doctor.Warn, says: "nothing is wanted"},
	{what: "on_demand_max below the demand", do: func(l *lab) { l.file.Workloads[0].Policy.OnDemandMax = 5 }, check: "cover-limit", status: doctor.Warn, says: "at most 5 on-demand tasks"},
	{what: "no on-demand pool", do: func(l *lab) {
		w := &l.file.Workloads[0]
		w.Pools, w.Policy.Pools = w.Pools[:1], w.Policy.Pools[:1]
	}, check: "cover-limit", status: doctor.Warn, says: "nothing covers a shortage"},
	{what: "ticks alone, with a minute between them", do: func(l *lab) {
		l.file.Events.SQS, l.file.Tick = "", 2*time.Minute
	}, check: "start-up-time", status: doctor.Warn, says: "longer than the two-minute notice", also: []string{"events-configured"}},
	{what: "a workload that no pass has looked at", do: func(l *lab) { l.file.Workloads[0].Name = "web" }, check: "last-pass", status: doctor.Fail, says: "no pass has ever looked at web"},
	{what: "a first look, before anything has run", do: func(l *lab) { l.file.State.SQLite += "-new" }, check: "last-pass", status: doctor.Warn, says: "nothing has run yet"},
	{what: "Spot's warnings come in another form than is assumed", do: func(l *lab) { l.warnedOtherwise() }, check: "aws-as-expected", status: doctor.Warn, says: "A10"},
	{what: "a policy of the guard's role that lets it look and not act", do: func(l *lab) {
		l.tryPolicy(`{"Effect": "Allow", "Action": ["ecs:Describe*", "ecs:List*", "ecs:Get*", "elasticloadbalancing:*", "application-autoscaling:*", "sqs:*"], "Resource": "*"}`)
	},
		check: "policy-allows", status: doctor.Fail, says: "ecs:UpdateService on arn:aws:ecs:us-east-1:123456789012:service/prod/api-spot"},
	{what: "a policy that names another cluster", do: func(l *lab) {
		l.tryPolicy(allowsAll, `{"Effect": "Deny", "Action": "ecs:ListTasks", "Resource": "*", "Condition": {"ArnNotEquals": {"ecs:cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/other"}}}`)
	},
		check: "policy-allows", status: doctor.Fail, says: "does not allow ecs:ListTasks"},
	{what: "reads that show what was before", do: (*lab).readsOld, check: "reads-fresh", status: doctor.Warn, says: "showed less than one before them"},
	{what: "a workload that was covered and is configured no more", do: (*lab).leftBehind, check: "leftovers", status: doctor.Fail, says: "old is configured no more: 3 on-demand tasks run on"},
	{what: "a daemon that died: a change of the demand goes unnoticed", do: func(l *lab) {
		l.dead = true
		l.advance(time.Hour)
		l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(demand + 5) })
		l.advance(10 * time.Minute)
	}, check: "last-pass", status: doctor.Fail, says: "25 tasks are wanted now, not 20"},
	{what: "a daemon that died an hour ago, in a quiet time", do: func(l *lab) { l.dead = true; l.advance(time.Hour) }, check: "last-pass", status: doctor.Fail, says: "not checked for 1h: nothing guards it"},
	{what: "ecs:UpdateService is not allowed", do: func(l *lab) {
		deny("ecs:UpdateService")(l)
		l.box.World(func(w *ecsim.World) {
			w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, demand/2)
		})
		l.advance(3 * time.Minute) // until the tasks are stopped, as this pass hears no events
		l.tryPass()
	}, check: "actions-allowed", status: doctor.Fail, says: "AccessDenied"},
	{what: "the account has no service-linked role of ECS", do: refusing("Unable to assume the service linked role. Please verify that the ECS service linked role exists."),
		check: "actions-allowed", status: doctor.Fail, says: "service linked role"},
	{what: "ECS refuses a provider that the cluster lacks", do: refusing("The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again."),
		check: "actions-allowed", status: doctor.Fail, says: "not associated with the cluster"},
	{what: "ECS refuses what CodeDeploy deploys", do: refusing("Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment."),
		check: "actions-allowed", status: doctor.Fail, says: "CODE_DEPLOY"},
	{what: "a cluster without FARGATE_SPOT", do: func(l *lab) {
		must[*ecs.PutClusterCapacityProvidersOutput](l)(l.ecs().PutClusterCapacityProviders(l.t.Context(), &ecs.PutClusterCapacityProvidersInput{Cluster: aws.String(cluster),
			CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{}}))
	}, check: "capacity-provider", status: doctor.Fail, says: "lacks the capacity provider FARGATE_SPOT"},
	{what: "a start_limit below what starts take", do: func(l *lab) { l.file.Workloads[0].Policy.StartLimit = 30 * time.Second }, check: "start-limit", status: doctor.Warn,
		says: "start_limit is 30s"},
	{what: "a deregistration delay of 90 seconds, which cover is billed for", do: func(l *lab) { l.delay = 90 }, check: "deregistration-delay", status: doctor.Warn, says: "drain for 1m30s"},
	{what: "zone rebalancing of the standby", do: updated("api-standard", func(in *ecs.UpdateServiceInput) {
		in.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingEnabled
	}), check: "rebalancing", status: doctor.Warn, says: "even out its zones"},
	{what: "a max on the pool that auto scaling scales", do: func(l *lab) { l.file.Workloads[0].Policy.Pools[0].Max = 15 }, check: "scaling-owner", status: doctor.Warn,
		says: "asked for less than the demand"},
	{what: "a daemon with the old configuration beside one with the new", do: func(l *lab) {
		old := l.file.Workloads[0].Policy
		for i := range 4 { // each change of the demand is decided on by the other of the two
			l.file.Workloads[0].Policy = old
			l.file.Workloads[0].Policy.Extra = i % 2
			l.update("api-spot", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(int32(demand + 2 + i)) })
			l.advance(time.Minute)
			l.tryPass()
		}
		l.file.Workloads[0].Policy = old
	}, check: "one-configuration", status: doctor.Fail, says: "two configurations decide in turns"},
	{what: "a standby in another region, and nobody told to take over", do: elsewhere(failover.OnDemand, 0), check: "region-loss", status: doctor.Warn, says: "write_off_after is 0"},
	{what: "Spot in another region, and all on-demand at home", do: elsewhere(failover.Spot, 10*time.Minute), check: "region-loss", status: doctor.Warn,
		says: "no on-demand pool is outside of us-east-1"},
	{what: "Terraform writes the standby's desired count back", do: func(l *lab) {
		l.box.World(func(w *ecsim.World) {
			w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, demand/2)
		})
		l.advance(3 * time.Minute) // until the tasks are stopped, as this pass hears no events
		l.pass()
		l.advance(10 * time.Minute)
		l.update("api-standard", func(in *ecs.UpdateServiceInput) { in.DesiredCount = aws.Int32(1) })
		l.advance(5 * time.Second)
	}, check: "desired-count-drift", status: doctor.Warn, says: "desired count 1, backstop last asked for"},
}
