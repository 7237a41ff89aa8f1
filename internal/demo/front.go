package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// Front is what a scenario has in front of its tasks. The zero value is none: a task serves as soon as it is RUNNING.
type Front struct {
	// TargetGroup puts both services behind a target group with health checks.
	TargetGroup bool
	// WarmUp is how long after RUNNING a task answers.
	WarmUp time.Duration
	// BlueGreen deploys the Spot service by BLUE_GREEN between two target groups; Bake is how long both revisions then run.
	BlueGreen bool
	Bake      time.Duration
}

// stageWithFront builds the twin services behind target groups. Their tasks start in their own time.
func stageWithFront(box *sandbox.Sandbox, tasks int, f Front) (*Stage, error) {
	t := sandbox.Twins{Region: Region, Cluster: Cluster, Name: Workload, Count: tasks, CPU: taskCPU, Memory: taskMemory, StopTimeout: 2 * time.Minute,
		OnSIGTERM: ecsim.UseWarning, WarmUp: f.WarmUp, TargetGroup: f.TargetGroup, Starting: true}
	if f.BlueGreen {
		t.Strategy, t.Bake = ecsim.BlueGreen, f.Bake
	}
	if err := box.Setup(t); err != nil {
		return nil, fmt.Errorf("build stage: %w", err)
	}
	return &Stage{box: box, demand: tasks, front: f}, nil
}

// DeploySpot rolls a new revision of the task definition, broken or not, out to the Spot service alone.
func (s *Stage) DeploySpot(broken bool) error { return s.deploy(broken, spotRef) }

// SpotBesides lets Spot hold what it holds now less the tasks that are lost, which are interrupted in the revisions with production
// traffic.
func (s *Stage) loseProduction(n int) {
	s.box.World(func(w *ecsim.World) {
		key := ecsim.SupplyKey{Region: Region, Provider: ecsim.FargateSpot}
		_, held := w.Supply(key)
		w.SetSupply(key, held)
		w.InterruptRevision(spotRef, n, "", true, true)
	})
}

// StartSlowly sets how long tasks of on-demand take from creation to RUNNING.
func (s *Stage) StartSlowly(p50, p95, p99 time.Duration) {
	s.box.World(func(w *ecsim.World) { w.SetStartUp(ecsim.Fargate, ecsim.StartUp{P50: p50, P95: p95, P99: p99}) })
}

// DeleteSpot deletes the Spot service by force, as a mistaken apply of infrastructure as code does.
func (s *Stage) DeleteSpot() error {
	var err error
	s.box.World(func(w *ecsim.World) { _, err = w.DeleteService(spotRef, true) })
	if err != nil {
		return fmt.Errorf("delete service: %w", err)
	}
	return nil
}

// CreateSpot creates the Spot service again under its name.
func (s *Stage) CreateSpot() error {
	var err error
	s.box.World(func(w *ecsim.World) {
		_, err = w.CreateService(Region, ecsim.CreateServiceInput{Cluster: Cluster, Name: SpotService, TaskDefinition: family, Desired: s.demand,
			Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1}}})
	})
	if err != nil {
		return fmt.Errorf("create service: %w", err)
	}
	return nil
}

// backlogMetric is what a policy of the Spot service tracks: messages for each of its own running tasks, as the operator's own metric says.
const backlogMetric = "Workers/BacklogPerTask"

// ScaleByBacklog puts target tracking on the Spot service: so many messages for each of its own running tasks.
func (s *Stage) ScaleByBacklog(most int, target float64) error {
	const service, dimension = "ecs", "ecs:service:DesiredCount"
	id := "service/" + Cluster + "/" + SpotService
	return errors.Join(
		s.steer("model", map[string]any{"A76": true}), // its steps start from the desired count
		s.Backlog(target),
		s.call("AnyScaleFrontendService.RegisterScalableTarget", map[string]any{"ServiceNamespace": service, "ScalableDimension": dimension, "ResourceId": id,
			"MinCapacity": s.demand, "MaxCapacity": most}),
		s.call("AnyScaleFrontendService.PutScalingPolicy", map[string]any{"PolicyName": "backlog-per-task", "PolicyType": "TargetTrackingScaling",
			"ServiceNamespace": service, "ScalableDimension": dimension, "ResourceId": id,
			"TargetTrackingScalingPolicyConfiguration": map[string]any{"TargetValue": target, "ScaleOutCooldown": 60, "ScaleInCooldown": 60,
				"CustomizedMetricSpecification": map[string]any{"Namespace": "Workers", "MetricName": "BacklogPerTask", "Statistic": "Average"}}}))
}

// Backlog sets what the metric says.
func (s *Stage) Backlog(value float64) error {
	return s.steer("metric", map[string]any{"name": backlogMetric, "value": value})
}

// steer calls one of the sandbox's own routes.
func (s *Stage) steer(route string, body map[string]any) error {
	return s.post("/_sandbox/"+route, http.Header{"Content-Type": {"application/json"}}, body)
}

// call makes an AWS call with a JSON body.
func (s *Stage) call(target string, body map[string]any) error {
	return s.post("/", http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=demo/20261102/" + Region + "/application-autoscaling/aws4_request, SignedHeaders=host, Signature=0"}}, body)
}

func (s *Stage) post(path string, header http.Header, body map[string]any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1"+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header = header
	answer, err := s.box.Do(r)
	if err != nil {
		return fmt.Errorf("call the sandbox: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("the sandbox answers %s: %s", answer.Status, text)
	}
	return nil
}
