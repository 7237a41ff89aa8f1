package asl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// toolsVariable names the folder in which scripts/asl has installed asl-validator and jsonata.
const toolsVariable = "BACKSTOP_ASL"

func tools(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(toolsVariable)
	if dir == "" {
		t.Skip("SKIPPED: make asl asks a validator and an interpreter that were not written here (npm, moto)")
	}
	return dir
}

// player is moto's interpreter, with the reference JSONata.
type player struct {
	in  io.Writer
	out *bufio.Scanner
}

// answer is what came of an execution.
type answer struct {
	Status, Error, Cause string
	Output               map[string]any
	States               []string
}

func newPlayer(t *testing.T) *player {
	t.Helper()
	dir := tools(t)
	cmd := exec.CommandContext(t.Context(), python(t), "testdata/play.py")
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // it was ended with its input
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	return &player{in, lines}
}

// python is an interpreter that has moto.
func python(t *testing.T) string {
	t.Helper()
	candidates := []string{"python3"}
	if server, err := exec.LookPath("moto_server"); err == nil {
		if text, err := os.ReadFile(server); err == nil { // pipx installs it with a Python of its own
			line, _, _ := strings.Cut(string(text), "\n")
			candidates = append(candidates, strings.TrimPrefix(line, "#!"))
		}
	}
	for _, c := range candidates {
		if exec.CommandContext(t.Context(), c, "-c", "import moto.stepfunctions.parser.asl.parse.asl_parser").Run() == nil {
			return c
		}
	}
	t.Skip("SKIPPED: no Python with moto here (moto[server])")
	return ""
}

// scene is a sandbox in which state machines are played, and what happens in it as its time goes by.
type scene struct {
	t    *testing.T
	p    *player
	box  *sandbox.Sandbox
	url  string
	then func(passed time.Duration)
	req  runtask.Request
}

func (p *player) scene(t *testing.T, command string, change ...func(*ecsim.Config)) *scene {
	t.Helper()
	world := ecsim.Config{Seed: 1, Start: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	for _, c := range change {
		c(&world)
	}
	s := &scene{t: t, p: p, box: sandbox.New(sandbox.Options{Manual: true, World: world}), then: func(time.Duration) {}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.box.ServeHTTP(w, r)
		if strings.HasSuffix(r.URL.Path, "/advance") {
			s.then(s.box.Now().Sub(world.Start))
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	c := s.client()
	if _, err := c.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("jobs")}); err != nil {
		t.Fatal(err)
	}
	image := "busybox"
	if command == "no image" {
		image += ":does-not-exist"
	}
	if _, err := c.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("job"), Cpu: aws.String("1024"), Memory: aws.String("2048"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("job"), Image: &image, Command: []string{"sh", "-c", command}}}}); err != nil {
		t.Fatal(err)
	}
	s.req = request()
	return s
}

// request is what the machines of these tests are made from.
func request() runtask.Request {
	return runtask.Request{Rules: runtask.Rules{Count: 1, Pools: 2, StartWithin: 5 * time.Minute, Retries: 2}, GiveUp: 10 * time.Minute,
		Pools: []runtask.Pool{{Capacity: ecsim.FargateSpot, Subnets: []string{"subnet-b"}}, {Capacity: ecsim.Fargate}},
		Input: ecs.RunTaskInput{Cluster: aws.String("jobs"), TaskDefinition: aws.String("job"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}, AssignPublicIp: types.AssignPublicIpEnabled}}}}
}

func (s *scene) client() *ecs.Client {
	return ecs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: s.box,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
}

func (s *scene) supply(provider string, n int) {
	s.box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: "us-east-1", Provider: provider}, n) })
}

// play runs an execution to its end.
func (s *scene) play(name string, input any) answer {
	s.t.Helper()
	text, err := Machine(&s.req)
	if err != nil {
		s.t.Fatal(err)
	}
	order, err := json.Marshal(map[string]any{"definition": string(text), "name": name, "input": input, "endpoint": s.url})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.p.in.Write(append(order, '\n')); err != nil {
		s.t.Fatal(err)
	}
	if !s.p.out.Scan() {
		s.t.Fatal(errors.Join(errors.New("the interpreter has ended"), s.p.out.Err()))
	}
	var a answer
	if err := json.Unmarshal(s.p.out.Bytes(), &a); err != nil {
		s.t.Fatalf("%v: %s", err, s.p.out.Bytes())
	}
	return a
}

// tasks are all tasks of the cluster, in the order of their making.
func (s *scene) tasks() []types.Task {
	s.t.Helper()
	var arns []string
	for _, status := range []types.DesiredStatus{"RUNNING", "STOPPED"} {
		out, err := s.client().ListTasks(s.t.Context(), &ecs.ListTasksInput{Cluster: aws.String("jobs"), DesiredStatus: status})
		if err != nil {
			s.t.Fatal(err)
		}
		arns = append(arns, out.TaskArns...)
	}
	if len(arns) == 0 {
		return nil
	}
	out, err := s.client().DescribeTasks(s.t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("jobs"), Tasks: arns, Include: []types.TaskField{types.TaskFieldTags}})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.SortFunc(out.Tasks, func(a, b types.Task) int { return a.CreatedAt.Compare(*b.CreatedAt) })
	return out.Tasks
}

// want holds an execution's end, and how many tasks there are, to what they must be.
func (s *scene) want(a answer, end string, tasks int) {
	s.t.Helper()
	got := a.Status
	switch {
	case a.Error != "":
		got = a.Error
	case a.Status == "ProgramEnded":
		got = fmt.Sprintf("done on %v after %v starts, %v interrupted", a.Output["CapacityProvider"], a.Output["Starts"], a.Output["Interrupted"])
	}
	if got != end || len(s.tasks()) != tasks {
		s.t.Errorf("it ended with %q (%s), %d tasks; want %q, %d tasks\n%v", got, a.Cause, len(s.tasks()), end, tasks, a.States)
	}
}

// TestTheMachineRunsTasks plays it through what may happen, by an interpreter and in a model of ECS that know nothing of each other.
func TestTheMachineRunsTasks(t *testing.T) {
	p := newPlayer(t)
	refuses := func(c *ecsim.Config) { c.RunTaskRefuses = true }
	for name, play := range map[string]func(s *scene){
		"room on Spot": func(s *scene) {
			s.want(s.play("a", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
			task := s.tasks()[0]
			if tags := tagsOf(&task); tags["team"] != "shop" || tags[runtask.TagRun] != "a" || tags[runtask.TagAttempt] != "1" || aws.ToString(task.AvailabilityZone) != "us-east-1b" {
				s.t.Errorf("tags %v, in %s", tags, aws.ToString(task.AvailabilityZone))
			}
		},
		"no room on Spot": func(s *scene) {
			s.supply(ecsim.FargateSpot, 0)
			a := s.play("a", nil)
			s.want(a, "done on FARGATE after 1 starts, 0 interrupted", 1)
			if slices.Contains(a.States, "Seek") || aws.ToString(s.tasks()[0].AvailabilityZone) != "us-east-1a" {
				s.t.Errorf("%v, in %s", a.States, aws.ToString(s.tasks()[0].AvailabilityZone))
			}
		},
		"no room anywhere for four minutes": func(s *scene) {
			s.supply(ecsim.FargateSpot, 0)
			s.supply(ecsim.Fargate, 0)
			s.then = func(passed time.Duration) {
				if passed > 4*time.Minute {
					s.supply(ecsim.Fargate, 10)
				}
			}
			s.want(s.play("a", nil), "done on FARGATE after 1 starts, 0 interrupted", 1)
		},
		"no room anywhere": func(s *scene) {
			s.supply(ecsim.FargateSpot, 0)
			s.supply(ecsim.Fargate, 0)
			began := s.box.Now()
			a := s.play("a", nil)
			s.want(a, "Backstop.NoRoom", 0)
			if took := s.box.Now().Sub(began); !strings.HasPrefix(a.Cause, "Capacity is unavailable") || took < 10*time.Minute || took > 12*time.Minute {
				s.t.Errorf("after %s: %s", took, a.Cause)
			}
		},
		"interrupted": func(s *scene) {
			s.then = func(passed time.Duration) {
				if passed > 4*time.Minute {
					s.supply(ecsim.FargateSpot, 0)
				}
			}
			s.want(s.play("a", nil), "done on FARGATE after 2 starts, 1 interrupted", 2)
		},
		"interrupted, and not to be started again": func(s *scene) {
			s.req.Retries = 0
			s.then = func(passed time.Duration) {
				if passed > 4*time.Minute {
					s.supply(ecsim.FargateSpot, 0)
				}
			}
			s.want(s.play("a", nil), "Backstop.Interrupted", 1)
		},
		"too slow": func(s *scene) {
			s.req.StartWithin = 20 * time.Second
			a := s.play("a", nil)
			s.want(a, "done on FARGATE after 2 starts, 0 interrupted", 2)
			if first := s.tasks()[0]; aws.ToString(first.StoppedReason) != runtask.SlowReason {
				s.t.Errorf("it was stopped with %q", aws.ToString(first.StoppedReason))
			}
		},
		"a lost answer": func(s *scene) {
			s.fault(sandbox.FaultLostAnswer, "ecs:RunTask", 2)
			s.want(s.play("a", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
		},
		"an error after the task was started": func(s *scene) {
			s.fault(sandbox.FaultLateError, "ecs:RunTask", 1)
			s.want(s.play("a", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
		},
		"throttled": func(s *scene) {
			s.fault(sandbox.FaultThrottle, "ecs:*", 12)
			s.want(s.play("a", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
		},
		"denied": func(s *scene) {
			s.fault(sandbox.FaultDenied, "ecs:RunTask", 0)
			a := s.play("a", nil)
			s.want(a, "Ecs.AccessDeniedException", 0)
			if n := s.box.Calls().Counts["ecs:RunTask"]; n != 1 {
				s.t.Errorf("%d calls", n)
			}
		},
		"one pool, no tags, interrupted": func(s *scene) {
			s.req.Pools, s.req.Rules.Pools, s.req.StartWithin, s.req.Input.Tags = s.req.Pools[:1], 1, 0, nil
			s.then = func(passed time.Duration) {
				if passed > 4*time.Minute && len(s.tasks()) == 1 && s.tasks()[0].StopCode == "" {
					s.supply(ecsim.FargateSpot, 0)
					s.supply(ecsim.FargateSpot, 10)
				}
			}
			s.want(s.play("a", nil), "done on FARGATE_SPOT after 2 starts, 1 interrupted", 2)
		},
		"a task that cannot be described at first": func(s *scene) {
			if _, err := s.box.AddFault(sandbox.Fault{Kind: sandbox.FaultStaleReads, LatencySeconds: 40, Until: s.box.Now().Add(2 * time.Minute)}); err != nil {
				s.t.Fatal(err)
			}
			s.want(s.play("a", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
		},
		"looks that fail, and a redrive": func(s *scene) {
			s.fault(sandbox.FaultServerError, "ecs:DescribeTasks", triesMax+1)
			a := s.play("a", nil)
			s.want(a, "Ecs.ServerException", 1)
			if a.States[len(a.States)-1] != "Look" {
				s.t.Errorf("a redrive would begin with %s", a.States[len(a.States)-1])
			}
		},
		"two executions of one run": func(s *scene) {
			run := map[string]string{"run": "2026-11-30T12:00:00Z"}
			s.want(s.play("a", run), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
			s.want(s.play("b", run), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
			s.want(s.play("c", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 2)
		},
		"a value of the execution's input": func(s *scene) {
			s.req.Input.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("job"), Command: []string{"sh", "-c", "{% 'sleep 5; exit ' & $states.input.code %}"}}}}
			a := s.play("a", map[string]string{"code": "9"})
			s.want(a, "Backstop.Exited", 1)
			if !strings.Contains(a.Cause, `"ExitCode":9`) {
				s.t.Error(a.Cause)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { play(p.scene(t, "sleep 300")) })
	}
	t.Run("capacity that is refused with an error", func(t *testing.T) {
		s := p.scene(t, "sleep 300", refuses)
		s.supply(ecsim.FargateSpot, 0)
		s.want(s.play("a", nil), "done on FARGATE after 1 starts, 0 interrupted", 1)
	})
	t.Run("the application fails", func(t *testing.T) {
		s := p.scene(t, "sleep 60; exit 7")
		a := s.play("a", nil)
		s.want(a, "Backstop.Exited", 1)
		if !strings.Contains(a.Cause, `"ExitCode":7`) || !strings.Contains(a.Cause, `"Starts":1`) {
			t.Error(a.Cause)
		}
	})
	t.Run("the image cannot be pulled", func(t *testing.T) {
		s := p.scene(t, "no image")
		s.want(s.play("a", nil), "Backstop.Failed", 1)
	})
	t.Run("interrupted and done", func(t *testing.T) {
		s := p.scene(t, "sleep 25")
		s.then = func(time.Duration) {
			if s.tasks()[0].StartedAt != nil {
				s.supply(ecsim.FargateSpot, 0)
			}
		}
		s.want(s.play("a", nil), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 1)
		if task := s.tasks()[0]; task.StopCode != types.TaskStopCodeSpotInterruption {
			t.Errorf("it was not interrupted: %s", task.StopCode)
		}
	})
}

func (s *scene) fault(kind sandbox.FaultKind, operation string, count int) {
	s.t.Helper()
	if _, err := s.box.AddFault(sandbox.Fault{Kind: kind, Operation: operation, Count: count}); err != nil {
		s.t.Fatal(err)
	}
}

func tagsOf(t *types.Task) map[string]string {
	out := map[string]string{}
	for _, tag := range t.Tags {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out
}

// TestAValidatorTakesTheMachine: npm's asl-validator, which checks the expressions too.
func TestAValidatorTakesTheMachine(t *testing.T) {
	dir := tools(t)
	req := request()
	text, err := Machine(&req)
	if err != nil {
		t.Fatal(err)
	}
	template, err := Template()
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text []byte) ([]byte, error) {
		path := filepath.Join(t.TempDir(), "machine.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(dir, "node_modules", ".bin", "asl-validator"), "--json-path", path).CombinedOutput()
	}
	all := [][]byte{text, template}
	page, err := os.ReadFile("../../docs/workflows.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```json\n(.*?)^```$").FindAllSubmatch(page, -1) {
		all = append(all, m[1])
	}
	if len(all) != 3 {
		t.Errorf("%d state machines on the page", len(all)-2)
	}
	for _, good := range all {
		if out, err := validate(good); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	for _, bad := range []string{`"Next": "Judge"`, `$count($states.result.Tasks) > 0`} {
		if out, err := validate([]byte(strings.Replace(string(text), bad, strings.TrimSuffix(bad, "0")[:len(bad)-2]+`x"`, 1))); err == nil {
			t.Errorf("it takes anything: %s", out)
		}
	}
}
