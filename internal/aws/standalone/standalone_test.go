package standalone

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

func lost() *types.Task {
	return &types.Task{ClusterArn: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/jobs"), TaskDefinitionArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/report:3"),
		Group: aws.String("night"), StartedBy: aws.String("nightly"), PlatformVersion: aws.String("1.4.0"), EnableExecuteCommand: true,
		Overrides:   &types.TaskOverride{Cpu: aws.String("2048"), TaskRoleArn: aws.String("arn:aws:iam::123456789012:role/report")},
		Attachments: []types.Attachment{{Type: aws.String("eni"), Details: []types.KeyValuePair{{Name: aws.String("subnetId"), Value: aws.String("subnet-own")}}}}}
}

func TestATaskIsStartedAsItWasButOnDemand(t *testing.T) {
	tags := map[string]string{taskretry.TagRetry: "3", taskretry.TagAttempt: "2", taskretry.TagOf: "x", "team": "shop", "aws:ecs:clusterName": "jobs"}
	call, untold := callOf(&taskretry.Place{Cluster: "jobs", SecurityGroups: []string{"sg-1"}}, lost(), tags)
	vpc := call.NetworkConfiguration.AwsvpcConfiguration
	if untold != "" || aws.ToString(call.TaskDefinition) != aws.ToString(lost().TaskDefinitionArn) || aws.ToString(call.Group) != "night" || aws.ToString(call.StartedBy) != "nightly" ||
		aws.ToString(call.PlatformVersion) != "1.4.0" || !call.EnableExecuteCommand || aws.ToString(call.Overrides.Cpu) != "2048" || aws.ToInt32(call.Count) != 1 ||
		len(call.CapacityProviderStrategy) != 1 || aws.ToString(call.CapacityProviderStrategy[0].CapacityProvider) != "FARGATE" || call.LaunchType != "" {
		t.Errorf("%q: %+v", untold, call)
	}
	if !slices.Equal(vpc.Subnets, []string{"subnet-own"}) || !slices.Equal(vpc.SecurityGroups, []string{"sg-1"}) || vpc.AssignPublicIp != types.AssignPublicIpDisabled {
		t.Errorf("network: %+v", vpc)
	}
	var kept []string
	for _, tag := range call.Tags {
		kept = append(kept, aws.ToString(tag.Key))
	}
	slices.Sort(kept)
	if !slices.Equal(kept, []string{taskretry.TagRetry, "team"}) || !call.EnableECSManagedTags {
		t.Errorf("tags %v, managed %v: AWS's own are not ours to set, and those of the start are made anew", kept, call.EnableECSManagedTags)
	}
}

// TestWhatRunTaskRefusesIsLeftOut: it gives the family's group by itself, and takes no names with spaces.
func TestWhatRunTaskRefusesIsLeftOut(t *testing.T) {
	for _, c := range []struct{ group, by, wantGroup, wantBy string }{
		{"family:report", "nightly/1_a-b", "", "nightly/1_a-b"},
		{"family:other", "AWS Step Functions", "family:other", ""},
		{"night", "events-rule/nightly", "night", "events-rule/nightly"},
		{"night", strings.Repeat("x", 129), "night", ""},
	} {
		task := lost()
		task.Group, task.StartedBy = &c.group, &c.by
		call, _ := callOf(&taskretry.Place{}, task, nil)
		if aws.ToString(call.Group) != c.wantGroup || aws.ToString(call.StartedBy) != c.wantBy || call.StartedBy != nil && c.wantBy == "" {
			t.Errorf("%+v: group %q, started by %q", c, aws.ToString(call.Group), aws.ToString(call.StartedBy))
		}
	}
}

func TestTheNetworkIsTheConfigurationsOrTheTags(t *testing.T) {
	place := &taskretry.Place{SecurityGroups: []string{"sg-1"}, Subnets: []string{"subnet-1", "subnet-2"}, PublicIP: true}
	call, _ := callOf(place, lost(), map[string]string{taskretry.TagSecurityGroups: " sg-8  sg-9 "})
	vpc := call.NetworkConfiguration.AwsvpcConfiguration
	if !slices.Equal(vpc.SecurityGroups, []string{"sg-8", "sg-9"}) || !slices.Equal(vpc.Subnets, place.Subnets) || vpc.AssignPublicIp != types.AssignPublicIpEnabled || call.EnableECSManagedTags {
		t.Errorf("%+v", vpc)
	}
	if len(place.SecurityGroups) != 1 {
		t.Error("the configuration itself was changed")
	}
}

func TestWhatECSDoesNotTellIsSaid(t *testing.T) {
	place := &taskretry.Place{SecurityGroups: []string{"sg-1"}}
	volume, nowhere := lost(), lost()
	volume.Attachments = append(volume.Attachments, types.Attachment{Type: aws.String("AmazonElasticBlockStorage")})
	nowhere.Attachments = nil
	for _, c := range []struct {
		task *types.Task
		says string
	}{{volume, "a volume of Amazon EBS"}, {nowhere, "in which subnet it was"}} {
		if _, untold := callOf(place, c.task, nil); !strings.Contains(untold, c.says) {
			t.Errorf("%q, want %q", untold, c.says)
		}
	}
}

// bordered is an ECS that refuses a look at another account's task, as AWS does; the text is not AWS's.
type bordered struct{ box *sandbox.Sandbox }

func (b bordered) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte("999999999999")) {
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"__type":"InvalidParameterException","message":"Invalid identifier: the task is of another account"}`))}, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return b.box.Do(r)
}

// TestATaskThatECSRefusesToTellOfKeepsNoOtherUnread: one ARN of another account has the whole call refused.
func TestATaskThatECSRefusesToTellOfKeepsNoOtherUnread(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), ReadLag: -1}})
	if err := box.Setup(sandbox.Twins{Cluster: "jobs", Name: "api", Count: 2}); err != nil {
		t.Fatal(err)
	}
	box.AdvanceTo(box.Now().Add(10 * time.Minute))
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: bordered{box}, BaseEndpoint: aws.String("http://sandbox.localhost")}
	own, err := ecs.NewFromConfig(cfg).ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("jobs")})
	if err != nil || len(own.TaskArns) != 2 {
		t.Fatalf("%v: %v", err, own)
	}
	foreign := strings.Replace(own.TaskArns[0], "123456789012", "999999999999", 1)
	got, err := New(cfg).Describe(t.Context(), &taskretry.Place{Region: "us-east-1", Cluster: "jobs"}, []string{own.TaskArns[0], foreign, own.TaskArns[1]})
	if err != nil || len(got) != 3 || got[own.TaskArns[0]].Err != nil || got[own.TaskArns[1]].Err != nil || got[foreign].Err == nil {
		t.Errorf("%v: %+v", err, got)
	}
}
