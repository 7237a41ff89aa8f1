package asl

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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
