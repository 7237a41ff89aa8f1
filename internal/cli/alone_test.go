package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

const aloneARN = "arn:aws:ecs:us-east-1:123456789012:task/jobs/"

// TestWhatIsKeptOfATaskOfNoServiceIsTold by explain, status and cost.
func TestWhatIsKeptOfATaskOfNoServiceIsTold(t *testing.T) {
	id := func(c string) string { return strings.Repeat(c, 32) }
	record := func(c string, r taskretry.Record) taskretry.Record {
		r.Task, r.Family, r.Region, r.Cluster, r.Allowed, r.Why = aloneARN+id(c), "report", "us-east-1", "jobs", 1, "Your Spot Task was interrupted."
		if r.At.IsZero() {
			r.At = statusNow.Add(-time.Hour)
		}
		r.Stopped = r.At
		return r
	}
	b := taskretry.Book{Records: []taskretry.Record{
		record("a", taskretry.Record{Verdict: taskretry.Again, Attempt: 2, Started: aloneARN + id("b")}),
		record("c", taskretry.Record{Verdict: taskretry.UsedUp, Attempt: 2}),
		record("d", taskretry.Record{Verdict: taskretry.Again, Attempt: 2, Text: "Capacity is unavailable at this time."}),
		record("9", taskretry.Record{Verdict: taskretry.Unsure, Attempt: 1, At: statusNow.Add(-26 * time.Hour)}),
		record("e", taskretry.Record{Verdict: taskretry.Again, Attempt: 2, Started: aloneARN + id("f"), At: statusNow.Add(-25 * time.Hour)}),
	}}
	for c, want := range map[string][2]string{
		"9": {"perhaps started again", "was lost (Your Spot Task was interrupted) and may have been started again"},
		"a": {"started again", "task " + id("a") + " (report in cluster jobs) was lost (Your Spot Task was interrupted) and started again on demand as " + id("b") + ": start 2 of at most 2"},
		"b": {"took another task's place", "it was started by the guard in place of " + id("a") + ", which was lost: start 2 of at most 2"},
		"c": {"not started again", "its work was started 2 times, and its tag allows no more"},
		"d": {"waiting to be started again", "could not be started again yet: Capacity is unavailable at this time; it is tried until"},
	} {
		f, ok := recordOf(&b, id(c))
		if !ok || f.Word != want[0] || !strings.Contains(f.Text, want[1]) || f.Workload != "tasks:jobs" {
			t.Errorf("%s: %+v, want %q", c, f, want)
		}
	}
	if f, ok := recordOf(&b, id("0")); ok {
		t.Errorf("a task that is not known: %+v", f)
	}
	facts := statusFacts{Alone: aloneOf(&b, statusNow)}
	var out bytes.Buffer
	if err := printStatus(&out, &facts, false, 0); err != nil || !strings.Contains(out.String(), "tasks of no service, last 24 h: 1 lost and started again, 1 not, 1 waiting for room or a permission") {
		t.Errorf("%v: %s", err, out.String())
	}
	out.Reset()
	costs := costFacts{At: statusNow, aloneSince: statusNow.Add(-time.Hour), Alone: &taskretry.Day{Started: 3, Ended: 2, Unpriced: 1, Hours: 1.5, USD: 0.04, SpotUSD: 0.01}}
	if err := costs.print(&out); err != nil || !strings.Contains(out.String(), "tasks of no service, whole UTC days from "+statusNow.Add(-time.Hour).UTC().Format(time.DateOnly)+" to "+statusNow.UTC().Format(time.DateOnly)+
		": 3 started again on demand; 2 have ended after 1.5 hours: $0.04, on Spot $0.01, without 1 whose price is not known") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// TestATaskOfNoServiceIsExplainedByALook where nothing is kept of it.
func TestATaskOfNoServiceIsExplainedByALook(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: statusNow, ReadLag: -1}})
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box, BaseEndpoint: aws.String("http://sandbox.localhost")}
	client := ecs.NewFromConfig(cfg)
	_, err := client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("jobs")})
	if err == nil {
		_, err = client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("report"), Cpu: aws.String("256"), Memory: aws.String("512"),
			RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("report"), Image: aws.String("busybox"), Command: []string{"sleep", "60"}}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	run := func(tags ...types.Tag) string {
		out, err := client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("jobs"), TaskDefinition: aws.String("report"), Tags: tags,
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}}})
		if err != nil || len(out.Tasks) != 1 {
			t.Fatalf("%v: %+v", err, out)
		}
		return ecsevent.TaskID(aws.ToString(out.Tasks[0].TaskArn))
	}
	file := &config.File{Tasks: []config.Tasks{{Cluster: "jobs", Region: "us-east-1"}}}
	explain := func(task, want string) {
		t.Helper()
		if f, ok, err := findAlone(t.Context(), file, cfg, task); err != nil || !ok || !strings.Contains(f.Text, want) {
			t.Errorf("%v: %+v, want %q", err, f, want)
		}
	}
	tagged, plain := run(types.Tag{Key: aws.String(taskretry.TagRetry), Value: aws.String("1")}), run()
	explain(tagged, "it has not ended; if it is lost it is started again")
	explain(plain, "has no tag backstop:retry")
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	never, often, used := run(tag(taskretry.TagRetry, "0")), run(tag(taskretry.TagRetry, "often")), run(tag(taskretry.TagRetry, "1"), tag(taskretry.TagAttempt, "2"))
	byRun := run(tag(runtask.TagRun, "nightly"), tag(taskretry.TagRetry, "1"))
	explain(never, "it has not ended, and is not started again if it is lost: its tag backstop:retry is 0")
	explain(often, `it has not ended, and is not started again if it is lost: its tag backstop:retry is "often"`)
	explain(used, "it has not ended, and is not started again if it is lost: its work was started 2 times")
	explain(byRun, "it has not ended; `backstop run-task` started it")
	file.Tasks = append([]config.Tasks{{Cluster: "gone", Region: "us-east-1"}}, file.Tasks...) // it hides no other
	explain(plain, "has no tag backstop:retry")
	if _, ok, err := findAlone(t.Context(), file, cfg, strings.Repeat("0", 32)); ok || err == nil {
		t.Errorf("%v: a cluster that cannot be read is not told", err)
	}
	file.Tasks = file.Tasks[1:]
	box.AdvanceTo(box.Now().Add(10 * time.Minute))
	explain(tagged, "it ended by itself")
	explain(plain, "it is not started again: it has no tag")
	explain(never, "it is not started again: its tag backstop:retry is 0")
	if f, ok, err := findAlone(t.Context(), file, cfg, strings.Repeat("0", 32)); ok || err != nil {
		t.Errorf("%v: a task that is not there: %+v", err, f)
	}
}

func TestTheHistoryOfTasksOfNoServiceIsAskedForByTheirCluster(t *testing.T) {
	s := selection{names: []string{"api", "tasks:jobs", "tasks:other"}}
	got := aloneNames(&config.File{Tasks: []config.Tasks{{Cluster: "jobs"}}}, &s)
	if strings.Join(got, " ") != "tasks:jobs" || strings.Join(s.names, " ") != "api tasks:other" {
		t.Errorf("%v, and %v are taken for workloads", got, s.names)
	}
}

// TestALostTaskOfWhichNothingIsKeptIsExplainedByItsTags.
func TestALostTaskOfWhichNothingIsKeptIsExplainedByItsTags(t *testing.T) {
	for _, c := range []struct {
		tags map[string]string
		want string
	}{
		{map[string]string{taskretry.TagRetry: "0"}, "it is not started again: its tag backstop:retry is 0"},
		{map[string]string{taskretry.TagRetry: "1", taskretry.TagAttempt: "2"}, "it is not started again: its work was started 2 times, and its tag allows no more"},
		{map[string]string{taskretry.TagRetry: "eleven"}, `it is not started again: its tag backstop:retry is "eleven"`},
		{map[string]string{taskretry.TagRetry: "1", runtask.TagRun: "x"}, "`backstop run-task` started it"},
		{map[string]string{taskretry.TagRetry: "1"}, "the guard has not heard of it yet"},
		{nil, "it has no tag backstop:retry"},
	} {
		f := aloneFacts(&taskretry.Place{Cluster: "jobs"}, aloneARN+strings.Repeat("a", 32), &taskretry.Told{Tags: c.tags, End: runtask.Lost})
		if !strings.Contains(f.Text, c.want) || f.Word != "not started again" {
			t.Errorf("%v: %+v", c.tags, f)
		}
	}
}
