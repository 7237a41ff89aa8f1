package doctor

import "github.com/backstop-ecs/backstop/internal/failover"

const (
	spot     = failover.Spot
	onDemand = failover.OnDemand
)

// Actions that checks judge the answers of.
const (
	callClusters    = "ecs:DescribeClusters"
	callServices    = "ecs:DescribeServices"
	callDefinition  = "ecs:DescribeTaskDefinition"
	callListTasks   = "ecs:ListTasks"
	callTasks       = "ecs:DescribeTasks"
	callScaling     = "application-autoscaling:DescribeScalableTargets"
	callPolicies    = "application-autoscaling:DescribeScalingPolicies"
	callAlarms      = "cloudwatch:DescribeAlarms"
	callSchedules   = "application-autoscaling:DescribeScheduledActions"
	callQuotas      = "servicequotas:ListServiceQuotas"
	callBalancer    = "elasticloadbalancing:DescribeTargetGroupAttributes"
	callGroups      = "elasticloadbalancing:DescribeTargetGroups"
	callLimits      = "elasticloadbalancing:DescribeAccountLimits"
	callSubnets     = "ec2:DescribeSubnets"
	callQueue       = "sqs:GetQueueAttributes"
	callDeadLetters = "sqs:GetQueueAttributes (dead-letter queue)"
	callRules       = "events:ListRules"
	callKey         = "kms:GetKeyPolicy"
	callTargets     = "events:ListTargetsByRule"
	callSimulate    = "iam:SimulateCustomPolicy"
)

// LastPass is the name of the check that every workload has, whatever else is wrong with it.
const LastPass = "last-pass"

// checks are all there are. Within a kind they run in this order; one may need those before it, or of a kind
// before its own.
var checks []check

// The list is made here and not where it is declared, as the checks' own code asks it for names.
func init() {
	creds, exists := []string{"credentials"}, []string{"credentials", "service-exists"}
	service, definition := []string{callServices}, []string{callServices, callDefinition}
	checks = []check{
		{name: "credentials", kind: KindAccount, about: "AWS accepts the credentials", run: checkCredentials},
		{name: "clock-skew", kind: KindAccount, needs: creds, about: "this machine's clock agrees with AWS's", run: checkClock},
		{name: "policy-allows", kind: KindAccount, live: true, needs: creds, calls: []string{callSimulate}, about: "with `--live`: the policy of the guard's role (`--policy`) allows every call that it makes, by its action, resource and condition keys, as `iam:SimulateCustomPolicy` says", run: checkPolicy},
		{name: "reads-fresh", kind: KindAccount, live: true, needs: creds, about: "with `--live`: of reads that are repeated for ten seconds none shows less than one before it", run: checkReads},

		{name: "permissions", kind: KindRegion, needs: creds, about: "every read that the daemon and the doctor make is allowed", run: checkPermissions},
		{name: "aws-answers", kind: KindRegion, needs: creds, about: "no call fails for another reason: time-outs, throttling, a wrong endpoint", run: checkAnswers},
		{name: "on-demand-quota", kind: KindRegion, needs: creds, calls: []string{callQuotas}, about: "the on-demand vCPU quota has room for a full failover: demand x (1 + overstart)", run: checkOnDemandQuota},
		{name: "spot-quota", kind: KindRegion, needs: creds, calls: []string{callQuotas}, about: "the Spot vCPU quota has room for the whole demand", run: checkSpotQuota},
		{name: "launch-rate", kind: KindRegion, needs: creds, calls: []string{callQuotas}, about: "a full failover is started within a minute at the account's launch rate", run: checkLaunchRate},
		{name: "target-limits", kind: KindRegion, needs: creds, calls: []string{callGroups, callLimits}, about: "target groups and load balancers take Spot and cover side by side, at their highest", run: checkTargetLimits},

		{name: "events-configured", kind: KindEvents, about: "a queue brings ECS's events, so that a shortage is seen in seconds", run: checkEventsConfigured},
		{name: "queue-reachable", kind: KindEvents, needs: creds, about: "the queue exists and can be read", run: checkQueue},
		{name: "queue-policy", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callQueue}, about: "the queue's policy lets each rule and topic that sends to it, its conditions included", run: checkQueuePolicy},
		{name: "queue-key", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callQueue}, about: "EventBridge can encrypt for the queue: no key, SQS's own, or one whose policy lets it", run: checkQueueKey},
		{name: "queue-drained", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callQueue}, about: "something reads the events from the queue", run: checkQueueDrained},
		{name: "dead-letter-queue", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callQueue, callDeadLetters}, about: "there is a dead-letter queue and it is empty", run: checkDeadLetters},
		{name: "rule-targets", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callRules, callTargets}, about: "targets send the event as it is: no InputPath, InputTransformer, Input", run: checkTargets},
		{name: "rules-match", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callRules, callTargets}, about: "rules that are enabled match the events of every pool and send them to the queue, over the buses of other regions and accounts and SNS topics too", run: checkRules},
		{name: "tasks-match", kind: KindEvents, needs: []string{"credentials", "queue-reachable"}, calls: []string{callRules, callTargets}, about: "rules that are enabled send the stops of tasks of no service to the queue, where such tasks are started again (`tasks`)", run: checkAlone},

		{name: "queue-own", kind: KindEvents, about: "no other installation reads the queue: guards get no events of clusters that they do not guard", run: checkQueueOwn},

		{name: "state-store", kind: KindState, about: "the state can be read", run: checkStore},
		{name: "aws-as-expected", kind: KindState, needs: []string{"state-store"}, about: "nothing that guards have seen contradicts docs/aws-assumptions.md, on which decisions rest", run: checkExpected},
		{name: "leftovers", kind: KindState, needs: []string{"state-store"}, about: "nothing was left of workloads and pools that are configured no more, as the guard found when it last started", run: checkLeftovers},

		{name: "receivers", kind: KindNotices, about: "every receiver of notices takes a test, which --notify sends", run: checkReceivers},

		{name: "cluster-exists", kind: KindPool, needs: creds, calls: []string{callClusters}, about: "the cluster is there and ACTIVE", run: checkCluster},
		{name: "service-exists", kind: KindPool, needs: []string{"credentials", "cluster-exists"}, calls: service, about: "the service is there and ACTIVE", run: checkService},
		{name: "service-kind", kind: KindPool, needs: exists, calls: service, about: "a REPLICA service with the ECS deployment controller", run: checkServiceKind},
		{name: "capacity-provider", kind: KindPool, needs: exists, calls: []string{callClusters, callServices}, about: "the cluster has the pool's capacity provider", run: checkProvider},
		{name: "strategy", kind: KindPool, needs: exists, calls: service, about: "the capacity provider strategy is what the pool says; weights are not a fallback", run: checkStrategy},
		{name: "stop-timeout", kind: KindPool, spot: true, needs: exists, calls: definition, about: "stopTimeout is 120 on the essential containers of Spot tasks, so that the two-minute notice is theirs", run: checkStopTimeout},
		{name: "deregistration-delay", kind: KindPool, needs: exists, calls: []string{callServices, callBalancer}, about: "target groups let go of a task within the two-minute notice, and of cover within 30 s", run: checkDeregistration},
		{name: "rebalancing", kind: KindPool, onDemand: true, needs: exists, calls: service, about: "availability zone rebalancing does not move the standby's tasks", run: checkRebalancing},
		{name: "deployment", kind: KindPool, needs: exists, calls: service, about: "no deployment has failed or is under way", run: checkDeployment},
		{name: "circuit-breaker", kind: KindPool, spot: true, needs: exists, calls: service, about: "a Spot shortage cannot fail or roll back a deployment", run: checkCircuitBreaker},
		{name: "scaling-standby", kind: KindPool, onDemand: true, needs: exists, calls: []string{callServices, callScaling, callPolicies, callSchedules}, about: "nothing scales the standby, and its min is 0", run: checkScalingStandby},
		{name: "scaling-max", kind: KindPool, needs: exists, calls: []string{callServices, callScaling}, about: "auto scaling's max is not below what the pool may be asked for", run: checkScalingMax},
		{name: "scaling-owner", kind: KindPool, spot: true, needs: exists, calls: []string{callServices, callScaling}, about: "auto scaling computes from a count that is the demand", run: checkScalingOwner},
		{name: "scaling-metric", kind: KindPool, spot: true, needs: exists, calls: []string{callServices, callScaling, callPolicies}, about: "auto scaling sees the load when Spot runs nothing: no policy follows the Spot service alone", run: checkScalingMetric},
		{name: "scaling-backlog", kind: KindPool, spot: true, needs: exists, calls: []string{callServices, callScaling, callPolicies}, about: "a loss on Spot is not taken for more work: no policy divides by the tasks of the Spot service alone", run: checkScalingBacklog},
		{name: "scaling-schedule", kind: KindPool, spot: true, needs: exists, calls: []string{callServices, callScaling, callPolicies, callSchedules}, about: "scheduled actions and forecasts that fall due while a breaker has the target parked do what they say", run: checkScalingSchedule},
		{name: "scaling-suspended", kind: KindPool, spot: true, needs: exists, calls: []string{callServices, callScaling}, about: "auto scaling was not left suspended", run: checkScalingSuspended},
		{name: "zones", kind: KindPool, needs: exists, calls: service, about: "tasks may run in two availability zones at least", run: checkZones},
		{name: "subnet-addresses", kind: KindPool, needs: exists, calls: []string{callServices, callSubnets}, about: "the subnets have addresses for what may have to start", run: checkAddresses},

		{name: "events-arrive", kind: KindPool, needs: []string{"credentials", "service-exists", "queue-reachable", "queue-policy", "queue-key", "queue-drained", "rule-targets", "rules-match"}, calls: []string{callServices, callListTasks, callTasks}, about: "events of tasks that really started and stopped have come, as the guard has counted them", run: checkArrivals},

		{name: "twins-possible", kind: KindWorkload, needs: exists, calls: service, about: "one service can stand in for another: no name, strategy or resource that belongs to one alone", run: checkTwinPossible},
		{name: "twins-same", kind: KindWorkload, needs: exists, calls: definition, about: "every pool is the same service on other capacity, in each field that docs/adopt.md lists as copied or compared", run: checkTwinSame},
		{name: "twins-architecture", kind: KindWorkload, needs: exists, calls: definition, about: "the same processor architecture, or images for both", run: checkTwinArchitecture},
		{name: "demand-owner", kind: KindWorkload, needs: exists, calls: service, about: "the demand has an owner and is more than nothing", run: checkDemandOwner},
		{name: "cover-limit", kind: KindWorkload, needs: exists, calls: service, about: "on_demand_max and the pools' max leave room for the whole demand", run: checkCoverLimit},
		{name: "region-loss", kind: KindWorkload, about: "pools in several regions take each other over when one gives no answer: write_off_after, and on-demand outside of the owner's region", run: checkRegionLoss},
		{name: "start-up-time", kind: KindWorkload, needs: exists, calls: []string{callServices, callListTasks, callTasks}, about: "a task starts within the two-minute notice: P99 of created to started, and the time to notice", run: checkStartUp},
		{name: "start-limit", kind: KindWorkload, needs: exists, calls: []string{callServices, callListTasks, callTasks}, about: "start_limit is above what starts take: 1.3 x the slowest", run: checkStartLimit},
		{name: LastPass, kind: KindWorkload, needs: []string{"state-store"}, about: "its guard has left a sign of life within three ticks; without one, a pass has looked at it in the last fifteen minutes", run: checkLastPass},
		{name: "actions-allowed", kind: KindWorkload, needs: []string{"state-store"}, about: "no action of the journal was refused for want of a permission, the service-linked role or a capacity provider, or as CodeDeploy deploys the service", run: checkActions},
		{name: "one-configuration", kind: KindWorkload, needs: []string{"state-store"}, about: "all writers decide with the same configuration", run: checkOneConfiguration},
		{name: "desired-count-drift", kind: KindWorkload, needs: []string{"credentials", "service-exists", "state-store"}, calls: service, about: "nothing else writes the standby's desired count", run: checkCountDrift},
	}
}
