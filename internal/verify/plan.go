package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

// phase is a part of an experiment that has so many tasks at most, for so long at most, its stops included; made is how many it may make.
type phase struct {
	tasks, made int
	limit       time.Duration
}

// experiment is one of the numbered experiments.
type experiment struct {
	number int
	name   string
	does   string
	phases []phase
	calls  []string
	// large: its tasks are those of 16 vCPU. They end by themselves, so that the dead man's switch need not stop them, and it looks at the quota itself.
	large bool
}

// limit is how long an experiment may take at most.
func (e *experiment) limit() (d time.Duration) {
	for _, p := range e.phases {
		d += p.limit
	}
	return d
}

// experiments in the order in which a run does them.
var experiments = []experiment{
	{10, "reads", "writes settings and stops tasks of a service with 4 Spot tasks, and reads each 0.5 s for 10 s", []phase{{readsTasks + 1, readsTasks + readsTrials, 16 * time.Minute}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks", "ecs:StopTask"}, false},
	{1, "start-up", "starts 8 times 5 Spot tasks, then 16 Spot and 10 on-demand tasks at once, and stops them when they run; reads their events",
		[]phase{{roundTasks, rounds * roundTasks, startFor + stopsWithin}, {burstTasks, burstTasks, burstFor + stopsWithin}, {standbyTask, standbyTask, burstFor + stopsWithin}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:ListTasks", "ecs:DescribeTasks", "sqs:ReceiveMessage", "sqs:DeleteMessage"}, false},
	{2, "scale-in", "sets a service of 10 Spot tasks to 6 and back, 5 times, and once to 10 while 14 start", []phase{{wideTasks + extraTasks, wideTasks + scaleRounds*(wideTasks-narrowTasks) + extraTasks, 28 * time.Minute}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:ListTasks", "ecs:DescribeTasks"}, false},
	{6, "deployments", "watches a deployment without tasks and a forced one of 2 Spot tasks, and asks for another capacity provider without force", []phase{{2 * deployTasks, 3 * deployTasks, deployFor + stopsWithin}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks", "sqs:ReceiveMessage", "sqs:DeleteMessage"}, false},
	{8, "auto scaling", "registers a scalable target with a minimum of 1 for a service of 0 Spot tasks, with scaling suspended", []phase{{1, 2, 5*time.Minute + stopsWithin}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:DescribeServices", "application-autoscaling:RegisterScalableTarget", "application-autoscaling:DeregisterScalableTarget"}, false},
	{7, "draining", "puts a service of 2 Spot tasks into the target group of --target-group, takes one target out and stops the other task; only with such a group", []phase{{drainTasks, drainTasks + 4, drainFor + stopsWithin}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:ListTasks", "ecs:DescribeTasks", "ecs:StopTask", "elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DeregisterTargets"}, false},
	{3, "shortage", "lets a service of 1 Spot task of 16 vCPU fail for 15 minutes, and changes its count; only where the Spot vCPU quota is below 16, so that no task starts", []phase{{0, 0, shortFor + wiggleFor + stopsWithin}},
		[]string{"servicequotas:GetServiceQuota", "ecs:CreateService", "ecs:UpdateService", "ecs:DescribeServices", "ecs:ListTasks", "ecs:RunTask", "sqs:ReceiveMessage", "sqs:DeleteMessage"}, false},
	{5, "bad image", "lets a service of 1 Spot task with an image that does not exist fail for 17 minutes, and with --execution-role another with a secret that does not", []phase{{2, 2 * brokenMost, brokenFor + stopsWithin}},
		[]string{"ecs:CreateService", "ecs:UpdateService", "ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks"}, false},
	{4, "fishing", "asks up to 6 times for a Spot task of 16 vCPU, in one zone after another, until Spot has no room for it; only where the Spot vCPU quota is 32 or more", []phase{{1, fishTries, fishFor + stopsWithin}},
		[]string{"ecs:RunTask", "ecs:DescribeTasks", "ecs:StopTask"}, true},
}

// Numbers returns the numbers of the experiments that there are.
func Numbers() (out []int) {
	for i := range experiments {
		out = append(out, experiments[i].number)
	}
	return out
}

// Select returns the numbers of the experiments that observe the rows of a list; all for an empty one.
func Select(rows []string) ([]int, error) {
	if len(rows) == 0 {
		return Numbers(), nil
	}
	var out, known = []int{}, []string{}
	for _, e := range ledger.Expectations() {
		if e.Experiment > 0 {
			known = append(known, e.Row)
		}
	}
	for _, row := range rows {
		row = strings.ToUpper(strings.TrimSpace(row))
		i := slices.IndexFunc(ledger.Expectations(), func(e ledger.Expectation) bool { return e.Row == row })
		if !slices.Contains(known, row) {
			if i >= 0 {
				return nil, fmt.Errorf("no experiment observes %s: guards do (backstop verify-aws watch)", row)
			}
			return nil, fmt.Errorf("no experiment observes %q; there are %s", row, strings.Join(known, ", "))
		}
		if n := ledger.Expectations()[i].Experiment; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// Prices of what cost's table does not have, in US dollars; from AWS's price pages.
const (
	// addressHour is an hour of a public IPv4 address.
	addressHour = 0.005
	// requestsMost bounds what the requests to SQS, EventBridge and EventBridge Scheduler cost: some thousands, at less than a dollar a million.
	requestsMost = 0.01
)

// Bound is the most that a run may cost in US dollars.
type Bound struct {
	// Experiments is what the tasks cost if each phase has all its tasks for all its time. Spot tasks are reckoned at the on-demand price,
	// which theirs cannot exceed.
	Experiments float64 `json:"experiments_usd"`
	// Switch is what the largest number of tasks costs from the start to the dead man's switch: if the program dies at the worst moment.
	Switch float64 `json:"switch_usd"`
	Total  float64 `json:"total_usd"`
	Tasks  int     `json:"tasks_at_a_time"`
	VCPU   float64 `json:"vcpu_at_a_time"`
}

// PlanOf returns what a run of some experiments in a region would do and may cost. Error: the region's prices are not known.
func PlanOf(region string, numbers []int, private bool) (Plan, error) {
	rate, err := (cost.Table{}).Rate(cost.Key{Region: region, Arch: cost.X86, Capacity: failover.OnDemand})
	if err != nil {
		return Plan{}, err
	}
	size := cost.Size{VCPU: 0.25, MemoryGB: 0.5}
	hour, largeHour := rate.TaskHour(size), rate.TaskHour(cost.Size{VCPU: largeVCPU, MemoryGB: largeGB})
	if !private {
		hour, largeHour = hour+addressHour, largeHour+addressHour
	}
	p := Plan{Region: region, Resources: resources()}
	usd := 0.0
	for i := range experiments {
		e := &experiments[i]
		if !slices.Contains(numbers, e.number) {
			continue
		}
		own := 0.0
		for _, ph := range e.phases {
			hours := float64(ph.tasks)*ph.limit.Hours() + float64(ph.made)/60 // each task is billed for a minute at least
			if e.large {
				own += hours * largeHour
				continue
			}
			own += hours * hour
			p.Bound.Tasks = max(p.Bound.Tasks, ph.tasks)
		}
		usd += own
		p.Experiments = append(p.Experiments, PlannedExperiment{e.number, e.name, e.does, e.rows(), e.calls, int(e.limit().Minutes()), cents(own)})
		p.Minutes += int(e.limit().Minutes())
	}
	p.Bound.Experiments = usd
	p.Bound.Switch = float64(p.Bound.Tasks) * switchEnd.Hours() * hour
	p.Bound.Total = cents(p.Bound.Experiments + p.Bound.Switch + requestsMost)
	p.Bound.Experiments, p.Bound.Switch = cents(p.Bound.Experiments), cents(p.Bound.Switch)
	p.Bound.VCPU = float64(p.Bound.Tasks) * size.VCPU
	return p, nil
}

// cents rounds up to a hundredth of a dollar.
func cents(usd float64) float64 { return math.Ceil(usd*100) / 100 }

func (e *experiment) rows() (out []string) {
	for _, x := range ledger.Expectations() {
		if x.Experiment == e.number {
			out = append(out, x.Row)
		}
	}
	return out
}

// Plan is what a run would do.
type Plan struct {
	Region      string              `json:"region"`
	Experiments []PlannedExperiment `json:"experiments"`
	Resources   []Resource          `json:"resources"`
	Minutes     int                 `json:"minutes_at_most"`
	Bound       Bound               `json:"bound"`
}

// PlannedExperiment is an experiment of a plan.
type PlannedExperiment struct {
	Number  int      `json:"number"`
	Name    string   `json:"name"`
	Does    string   `json:"does"`
	Rows    []string `json:"rows"`
	Calls   []string `json:"calls"`
	Minutes int      `json:"minutes_at_most"`
	USD     float64  `json:"usd_at_most"`
}

// Resource is something that a run makes.
type Resource struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Calls string `json:"calls"` // that make it and take it away
}

func resources() []Resource {
	const name = namePrefix + "RUN"
	schedules := len(place{}.lasts()) + 1
	return []Resource{
		{"EventBridge Scheduler schedules", fmt.Sprintf("%s-00 to -%02d", name, schedules-1), "scheduler:CreateSchedule, ListSchedules, DeleteSchedule; iam:PassRole"},
		{"ECS cluster", name, "ecs:CreateCluster, DescribeClusters, DeleteCluster"},
		{"ECS task definitions", name + ":1 to :5", "ecs:RegisterTaskDefinition, ListTaskDefinitions, DescribeTaskDefinition, DeregisterTaskDefinition"},
		{"ECS services", strings.Join(services, ", "), "ecs:CreateService, DescribeServices, ListServices, UpdateService, DeleteService"},
		{"scalable target", "service/" + name + "/" + serviceScaled, "application-autoscaling:RegisterScalableTarget, DeregisterScalableTarget"},
		{"SQS queue", name, "sqs:CreateQueue, GetQueueUrl, ListQueueTags, DeleteQueue"},
		{"EventBridge rule", name, "events:PutRule, PutTargets, DescribeRule, ListTagsForResource, RemoveTargets, DeleteRule"},
		{"nothing", "", "sts:GetCallerIdentity; servicequotas:GetServiceQuota"},
	}
}
