package asl

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// shortages are scenes of room, of interruptions and of starts.
var shortages = map[string]func(s *scene){
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
}

// calls are scenes of calls that fail, and of what executions ask for.
var calls = map[string]func(s *scene){
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
}

// TestTheMachineRunsTasks plays it through what may happen, by an interpreter and in a model of ECS that know nothing of each other.
func TestTheMachineRunsTasks(t *testing.T) {
	p := newPlayer(t)
	refuses := func(c *ecsim.Config) { c.RunTaskRefuses = true }
	for _, scenes := range []map[string]func(s *scene){shortages, calls} {
		for name, play := range scenes {
			t.Run(name, func(t *testing.T) { play(p.scene(t, "sleep 300")) })
		}
	}
	t.Run("capacity that is refused with an error", func(t *testing.T) {
		s := p.scene(t, "sleep 300", refuses)
		s.supply(ecsim.FargateSpot, 0)
		s.want(s.play("a", nil), "done on FARGATE after 1 starts, 0 interrupted", 1)
	})
	t.Run("two executions of one run, where calls without room leave their token free", func(t *testing.T) {
		s, run := p.scene(t, "sleep 300", refuses), map[string]string{"run": "2026-11-30"}
		s.supply(ecsim.FargateSpot, 0)
		s.want(s.play("a", run), "done on FARGATE after 1 starts, 0 interrupted", 1)
		s.want(s.play("b", run), "done on FARGATE after 1 starts, 0 interrupted", 1)
		s.supply(ecsim.FargateSpot, 10) // which docs/workflows.md excepts
		s.want(s.play("c", run), "done on FARGATE_SPOT after 1 starts, 0 interrupted", 2)
	})
	t.Run("hours without room, then hours of work", func(t *testing.T) { playLong(p.scene(t, "sleep 14400")) })
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
