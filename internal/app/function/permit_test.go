package function_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
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
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsim"
)

const account = "123456789012"

// permit is a policy, as IAM reads the part of the language that the module's policy uses.
type permit struct {
	Statement []struct {
		Sid              string
		Action, Resource []string
		Condition        map[string]map[string][]string
	}
}

func readPermit(t *testing.T, path string) permit {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p permit
	if err := json.Unmarshal(text, &p); err != nil || len(p.Statement) == 0 {
		t.Fatalf("policy %s: %v", path, err)
	}
	return p
}

// deed is one use of a permission: an action on a resource, with what conditions may ask for.
type deed struct {
	action, resource string
	context          map[string]string
}

func like(pattern, s string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(s)
}

// allows says whether a statement of the policy allows a deed.
func (p permit) allows(d deed) bool {
	for _, s := range p.Statement {
		fits := slices.Contains(s.Action, d.action) && slices.ContainsFunc(s.Resource, func(r string) bool { return like(r, d.resource) })
		for _, keys := range s.Condition {
			for key, values := range keys {
				fits = fits && slices.ContainsFunc(values, func(v string) bool { return like(v, d.context[key]) })
			}
		}
		if fits {
			return true
		}
	}
	return false
}

// witness notes the deeds of the requests that pass by.
type witness struct {
	next  *world
	mu    sync.Mutex
	deeds map[string]deed // by what they are
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
	deeds := deedsOf(r, body)
	w.mu.Lock()
	for _, d := range deeds {
		w.deeds[fmt.Sprint(d)] = d
	}
	if len(deeds) == 0 {
		w.odd = append(w.odd, fmt.Sprintf("%s %s %s", r.URL, r.Header.Get("X-Amz-Target"), body))
	}
	w.mu.Unlock()
	return w.next.Do(r)
}

func deedsOf(r *http.Request, body []byte) []deed {
	target := r.Header.Get("X-Amz-Target")
	head, op, _ := strings.Cut(target, ".")
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	at := "us-east-1"
	if part := strings.Split(scope, "/"); len(part) > 2 {
		at = part[2]
	}
	arn := func(service, rest string) string { return "arn:aws:" + service + ":" + at + ":" + account + ":" + rest }
	switch {
	case head == "AmazonEC2ContainerServiceV20141113":
		return ecsDeeds(op, body, arn)
	case head == "AnyScaleFrontendService" && op == "RegisterScalableTarget":
		var in struct{ ServiceNamespace, ScalableDimension string }
		_ = json.Unmarshal(body, &in)
		return []deed{{"application-autoscaling:" + op, arn("application-autoscaling", "scalable-target/0ec5"), map[string]string{
			"application-autoscaling:service-namespace": in.ServiceNamespace, "application-autoscaling:scalable-dimension": in.ScalableDimension}}}
	case head == "AnyScaleFrontendService":
		return []deed{{action: "application-autoscaling:" + op, resource: "*"}}
	case head == "AmazonSSM":
		var in struct{ Name string }
		_ = json.Unmarshal(body, &in)
		return []deed{{action: "ssm:" + op, resource: arn("ssm", "parameter"+in.Name)}}
	case strings.HasPrefix(head, "DynamoDB_"):
		if op == "TransactWriteItems" { // of puts
			op = "PutItem"
		}
		return []deed{{action: "dynamodb:" + op, resource: arn("dynamodb", "table/"+table)}}
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("TopicArn") != "" {
		return []deed{{action: "sns:" + form.Get("Action"), resource: form.Get("TopicArn")}}
	}
	return nil
}

func ecsDeeds(op string, body []byte, arn func(service, rest string) string) []deed {
	var in struct {
		Cluster, Service, Task, TaskDefinition, ResourceArn string
		Services, Tasks, TagKeys                            []string
		Tags                                                []struct{ Key string }
	}
	_ = json.Unmarshal(body, &in)
	name := in.Cluster[strings.LastIndexByte(in.Cluster, '/')+1:]
	conditions := map[string]string{"ecs:cluster": arn("ecs", "cluster/"+name)}
	full := func(kind, id string) string {
		if strings.HasPrefix(id, "arn:") {
			return id
		}
		return arn("ecs", kind+"/"+name+"/"+id)
	}
	var resources []string
	switch op {
	case "DescribeServices":
		for _, s := range in.Services {
			resources = append(resources, full("service", s))
		}
	case "UpdateService":
		resources = []string{full("service", in.Service)}
	case "TagResource", "UntagResource":
		for _, tag := range in.Tags {
			in.TagKeys = append(in.TagKeys, tag.Key)
		}
		resources, conditions = []string{in.ResourceArn}, map[string]string{"aws:TagKeys": strings.Join(in.TagKeys, " ")}
	case "DescribeTasks", "GetTaskProtection":
		for _, t := range in.Tasks {
			resources = append(resources, full("task", t))
		}
	case "StopTask":
		resources = []string{full("task", in.Task)}
	default:
		resources = []string{"*"}
	}
	var out []deed
	for _, r := range resources {
		out = append(out, deed{"ecs:" + op, r, conditions})
	}
	return out
}

// notDone are permissions that the function has and this machine cannot see it use.
var notDone = map[string]string{
	"iam:PassRole":           "ECS asks for it when a service's task definition is changed",
	"kms:Decrypt":            "SNS and SSM ask for it",
	"kms:GenerateDataKey":    "SNS asks for it",
	"logs:CreateLogStream":   "the runtime's",
	"logs:PutLogEvents":      "the runtime's",
	"sqs:DeleteMessage":      "the event source mapping's",
	"sqs:GetQueueAttributes": "the event source mapping's",
	"sqs:ReceiveMessage":     "the event source mapping's",
	"sts:AssumeRole":         "for pools with a role_arn",

	// The workload is behind no load balancer, and its deployments shift no traffic.
	"ecs:DescribeServiceDeployments":            "for deployments that shift traffic",
	"ecs:ListServiceDeployments":                "for deployments that shift traffic",
	"elasticloadbalancing:DescribeListeners":    "for services behind a load balancer",
	"elasticloadbalancing:DescribeRules":        "for services behind a load balancer",
	"elasticloadbalancing:DescribeTargetGroups": "for services behind a load balancer",
	"elasticloadbalancing:DescribeTargetHealth": "for services behind a load balancer",
	"elasticloadbalancing:DeregisterTargets":    "for warned tasks behind a load balancer",
}

// TestTheFunctionDoesWhatItsPolicyAllowsAndNothingElse lets the function fail over and back, park and restore autoscaling, stop
// late tasks, hold the demand, keep twins equal, tell and read secrets, and asks the policy that Terraform renders about every request.
// In the end every permission must have been of use.
func TestTheFunctionDoesWhatItsPolicyAllowsAndNothingElse(t *testing.T) {
	t.Parallel()
	policy := readPermit(t, "../../../terraform/testdata/policy.json")
	w := newWorld(t, 3, "api")
	setUpForEverything(t, w)
	w.witness = &witness{next: w, deeds: map[string]deed{}}
	text := strings.NewReplacer("task: {cpu: 256, memory: 512}", "", "preset: fill, overstart: 0", "preset: switch, overstart: 0, start_limit: 30s, "+
		"sync_task_definition: true, park_scaling: true, on_demand_budget_usd_monthly: 1000").Replace(
		w.yaml("notify: [{sns: \"arn:aws:sns:us-east-1:123456789012:backstop\"}, {slack: {secret: \"ssm:/backstop/slack\"}}]\n"))
	file, err := config.Parse([]byte(text), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := w.function(function.Options{Config: file, Metrics: io.Discard})
	w.box.World(func(e *ecsim.World) { e.SetHungStarts(ecsim.Fargate, 1) })
	w.mapping(f.Invoke, 3*time.Minute, 30*time.Second)
	w.supply(0)
	w.mapping(f.Invoke, 20*time.Minute, 30*time.Second)
	w.supply(-1)
	w.box.World(func(e *ecsim.World) { e.SetHungStarts(ecsim.Fargate, 0) })
	w.mapping(f.Invoke, time.Hour, 30*time.Second)

	used := map[string]bool{}
	for _, d := range w.witness.deeds {
		used[d.action] = true
		if !policy.allows(d) {
			t.Errorf("the function calls %s on %s (%v), which its policy does not allow", d.action, d.resource, d.context)
		}
	}
	for _, s := range w.witness.odd {
		t.Errorf("nobody knows what this request needs: %.200s", s)
	}
	for _, s := range policy.Statement {
		for _, action := range s.Action {
			if notDone[action] == "" && !used[action] {
				t.Errorf("the policy allows %s, and in all of this the function had no use for it", action)
			}
		}
	}
	watcher := readPermit(t, "../../../terraform/testdata/policy_observe.json")
	for _, d := range w.witness.deeds {
		if verb := d.action; (verb == "ecs:UpdateService" || verb == "ecs:StopTask" || verb == "application-autoscaling:RegisterScalableTarget") && watcher.allows(d) {
			t.Fatalf("the policy of an observing function allows %s on %s", d.action, d.resource)
		}
	}
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
	client := ecs.NewFromConfig(w.aws())
	made, err := client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("api"), Cpu: aws.String("256"), Memory: aws.String("512"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("app:2")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("api-spot"),
		TaskDefinition: made.TaskDefinition.TaskDefinitionArn}); err != nil {
		t.Fatal(err)
	}
}
