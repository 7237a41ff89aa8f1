package function_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/aws/awstest"
	"github.com/backstop-ecs/backstop/internal/aws/policyeval"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

const account = "123456789012"

func readPermit(t *testing.T, path string) policyeval.Policy {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policyeval.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// witness notes what the requests that pass by ask of their caller's policies.
type witness struct {
	next    *world
	account awstest.Account
	mu      sync.Mutex
	// own are those of the function's role, by what they are; assumed those of the roles of pools.
	own, assumed map[string]policyeval.Request
	// odd are requests that it does not understand.
	odd []string
}

// Do notes what AWS would ask of the caller's policy for a request, and lets it pass.
func (w *witness) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	asks := w.account.Asks(r, body)
	w.mu.Lock()
	of := w.own
	if r.Header.Get("X-Amz-Security-Token") != "" {
		of = w.assumed
	}
	for _, ask := range asks {
		of[fmt.Sprint(ask)] = ask
	}
	if len(asks) == 0 {
		w.odd = append(w.odd, fmt.Sprintf("%s %s %s", r.URL, r.Header.Get("X-Amz-Target"), body))
	}
	w.mu.Unlock()
	return w.next.Do(r)
}

// notDone are permissions that the function has and this machine cannot see it use.
var notDone = map[string]string{
	"kms:Decrypt":            "SNS and SSM ask for it",
	"kms:GenerateDataKey":    "SNS asks for it",
	"logs:CreateLogStream":   "the runtime's",
	"logs:PutLogEvents":      "the runtime's",
	"sqs:DeleteMessage":      "the event source mapping's",
	"sqs:GetQueueAttributes": "the event source mapping's",
	"sqs:ReceiveMessage":     "the event source mapping's",
}

// The role and the group that the policy's fixture names.
const (
	taskRole     = "arn:aws:iam::123456789012:role/api"
	reportRole   = "arn:aws:iam::123456789012:role/report"
	policyTarget = "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/0ec51111222233334444555566667777"
	policyGroup  = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/api/0123456789abcdef"
)

func (w *world) watch() *witness {
	w.witness = &witness{next: w, own: map[string]policyeval.Request{}, assumed: map[string]policyeval.Request{},
		account: awstest.Account{ID: account, Table: table, Roles: rolesOf,
			ScalableTarget: func(string) string { return policyTarget }}}
	return w.witness
}

// TestTheFunctionDoesWhatItsPolicyAllowsAndNothingElse lets the function fail over and back, park and restore autoscaling, stop
// late tasks, hold the demand, keep twins equal, tell and read secrets; then drain behind a load balancer in a deployment that waits for a
// person, with a pool in another account. It asks the policy that Terraform renders about every request.
// In the end every statement must have been of use.
func TestTheFunctionDoesWhatItsPolicyAllowsAndNothingElse(t *testing.T) {
	t.Parallel()
	policy := readPermit(t, "../../../terraform/testdata/policy.json")
	watchers := []*witness{failsOverAndBack(t), drainsInADeployment(t), startsAgain(t)}
	used := map[string]bool{} // by statement and action
	for _, w := range watchers {
		for _, ask := range w.own {
			if strings.Contains(ask.Resource, ":targetgroup/api-") { // the pair of the service, which the fixture names as one
				ask.Resource = policyGroup
			}
			got := policyeval.Evaluate(ask, policy)
			if got.Decision != policyeval.Allowed {
				t.Errorf("the function calls %s on %s (%v), which its policy does not allow", ask.Action, ask.Resource, ask.Context)
			}
			for _, s := range got.Matched {
				used[s.SID+" "+ask.Action] = true
			}
		}
		for _, s := range w.odd {
			t.Errorf("nobody knows what this request needs: %.200s", s)
		}
	}
	for _, s := range policy.Statements {
		for _, action := range s.Actions {
			if notDone[action] == "" && !used[s.SID+" "+action] {
				t.Errorf("%s allows %s, and in all of this the function had no use for it", s.SID, action)
			}
		}
	}
	watcher := readPermit(t, "../../../terraform/testdata/policy_observe.json")
	for _, ask := range watchers[0].own {
		if verb := ask.Action; (verb == "ecs:UpdateService" || verb == "ecs:StopTask" || verb == "application-autoscaling:RegisterScalableTarget") &&
			policyeval.Evaluate(ask, watcher).Decision == policyeval.Allowed {
			t.Fatalf("the policy of an observing function allows %s on %s", ask.Action, ask.Resource)
		}
	}
	for _, ask := range watchers[1].assumed { // the other account's own policy has the same actions
		if !slices.ContainsFunc(policy.Statements, func(s policyeval.Statement) bool { return slices.Contains(s.Actions, ask.Action) }) {
			t.Errorf("through a pool's role the function calls %s, which docs/iam.md does not list", ask.Action)
		}
	}
	if len(watchers[1].assumed) == 0 {
		t.Error("the other account's role was never used")
	}
	for _, ask := range watchers[1].own {
		if ask.Action == "sts:AssumeRole" && !slices.Equal(ask.Context["sts:ExternalId"], []string{"f2c1"}) {
			t.Errorf("the role is assumed with %v, and the pool has an external ID", ask.Context)
		}
	}
}

func failsOverAndBack(t *testing.T) *witness {
	t.Helper()
	w := newWorld(t, 3, "api")
	setUpForEverything(t, w)
	text := strings.NewReplacer("task: {cpu: 256, memory: 512}", "", "preset: fill, overstart: 0", "preset: switch, overstart: 0, start_limit: 30s, "+
		"sync_task_definition: true, park_scaling: true, on_demand_budget_usd_monthly: 1000").Replace(
		w.yaml("notify: [{sns: \"arn:aws:sns:us-east-1:123456789012:backstop\"}, {slack: {secret: \"ssm:/backstop/slack\"}}]\n"))
	watch := w.watch()
	f := w.function(function.Options{Config: parse(t, text), Metrics: io.Discard})
	w.box.World(func(e *ecsim.World) { e.SetHungStarts(ecsim.Fargate, 1) })
	w.mapping(f.Invoke, 3*time.Minute, 30*time.Second)
	w.supply(0)
	w.mapping(f.Invoke, 20*time.Minute, 30*time.Second)
	w.supply(-1)
	w.box.World(func(e *ecsim.World) { e.SetHungStarts(ecsim.Fargate, 0) })
	w.mapping(f.Invoke, time.Hour, 30*time.Second)
	return watch
}

func drainsInADeployment(t *testing.T) *witness {
	t.Helper()
	w := newWorldOf(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}},
		sandbox.Twins{Cluster: cluster, Name: "api", Count: 4, Strategy: ecsim.BlueGreen, Bake: time.Hour})
	abroad := w.aws()
	abroad.Region = "us-west-2"
	w.box.World(func(e *ecsim.World) {
		_, err := e.CreateCluster("us-west-2", "dr", nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.RegisterTaskDefinition("us-west-2", ecsim.TaskDefinitionInput{Family: "api", CPU: 256, Memory: 512})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.CreateService("us-west-2", ecsim.CreateServiceInput{Cluster: "dr", Name: "api", TaskDefinition: d.ARN, Strategy: []ecsim.StrategyItem{{Provider: ecsim.Fargate, Weight: 1}}}); err != nil {
			t.Fatal(err)
		}
	})
	text := strings.NewReplacer("capacity: FARGATE_SPOT}", "capacity: FARGATE_SPOT, drain: late}", "capacity: FARGATE}", "capacity: FARGATE}\n"+
		"      - {name: abroad, cluster: dr, service: api, capacity: FARGATE, region: us-west-2, role_arn: \"arn:aws:iam::210987654321:role/backstop-pool\", external_id: f2c1, session_tags: {team: shop}}").Replace(w.yaml(""))
	watch := w.watch()
	f := w.function(function.Options{Config: parse(t, text), Metrics: io.Discard})
	w.mapping(f.Invoke, 3*time.Minute, 30*time.Second)
	w.box.World(func(e *ecsim.World) {
		e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 1, "", false)
	})
	w.mapping(f.Invoke, 5*time.Minute, 10*time.Second)
	w.deploy("api-spot")
	w.mapping(f.Invoke, 5*time.Minute, 30*time.Second)
	return watch
}

// rolesOf are the roles of a task definition.
func rolesOf(definition string) []string {
	if strings.Contains(definition, "/report:") {
		return []string{reportRole}
	}
	return []string{taskRole}
}

func startsAgain(t *testing.T) *witness {
	t.Helper()
	j := newJobs(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}}, "report", "sleep 600")
	watch := j.watch()
	f := j.function(function.Options{Metrics: io.Discard})
	j.run(1, taskretry.TagRetry, "1")
	j.mapping(f.Invoke, 3*time.Minute, 30*time.Second)
	j.cut(2)
	j.mapping(f.Invoke, 5*time.Minute, 30*time.Second)
	if j.look(); len(j.again()) != 1 {
		t.Error("no task was started again")
	}
	return watch
}

func parse(t *testing.T, text string) *config.File {
	t.Helper()
	file, err := config.Parse([]byte(text), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// setUpForEverything gives the workload what needs parking and syncing, and the receivers.
func setUpForEverything(t *testing.T, w *world) {
	t.Helper()
	if _, err := sns.NewFromConfig(w.aws()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("backstop")}); err != nil {
		t.Fatal(err)
	}
	slack := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(slack.Close)
	w.parameters = map[string]string{"/backstop/slack": slack.URL}
	if _, err := applicationautoscaling.NewFromConfig(w.aws()).RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/prod/api-spot"),
		MinCapacity: aws.Int32(2), MaxCapacity: aws.Int32(20)}); err != nil {
		t.Fatal(err)
	}
	w.deploy("api-spot")
}

// deploy puts a new revision on a service, as a pipeline does.
func (w *world) deploy(service string) {
	w.t.Helper()
	client := ecs.NewFromConfig(w.aws())
	made, err := client.RegisterTaskDefinition(w.t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("api"), Cpu: aws.String("256"), Memory: aws.String("512"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("app:2")}}})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := client.UpdateService(w.t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: &service,
		TaskDefinition: made.TaskDefinition.TaskDefinitionArn}); err != nil {
		w.t.Fatal(err)
	}
}
