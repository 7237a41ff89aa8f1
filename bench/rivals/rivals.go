package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// rival is a solution whose published handler can be run.
type rival struct {
	name, repo, commit string
	// file is the handler's, and sum its SHA-256 at that commit.
	file, sum string
	// note is said beside its figures.
	note string
	// rule is what its own infrastructure puts into EventBridge, from its checkout.
	rule func(dir string) (rule, error)
	// start says how its handler is started; nil: it is not, and rule alone is played.
	start func(ctx context.Context, o options, dir, work string) (program, error)
}

// rule is a rule of EventBridge with the target's transformer, if it has one.
type rule struct {
	pattern  string
	paths    map[string]string
	template string
}

// program is a handler with its runtime.
type program struct {
	bootstrap string
	env       []string
}

const account = "123456789012"

func serviceARN(name string) string {
	return "arn:aws:ecs:" + demo.Region + ":" + account + ":service/" + demo.Cluster + "/" + name
}

// known rivals, in the order of docs/comparison.md.
var rivals = []rival{
	{name: "wheatstalk", repo: "wheatstalk/fargate-spot-fallback", commit: "ff6b735f8cb9fa147714b1240b3466f1de5b616e",
		file: "lambda/index.py", sum: "ba7843cc7c6367396fb0a0cbd86ba33d2baad2660b172600c51d252c92dbdd5b",
		rule: func(string) (rule, error) { // src/fallback-policy.ts
			return patternOf(map[string]any{"source": []string{"aws.ecs"}, "detail-type": []string{"ECS Service Action"}, "resources": []string{serviceARN(demo.SpotService)},
				"detail": map[string]any{"eventName": []string{"SERVICE_STEADY_STATE", "SERVICE_TASK_PLACEMENT_FAILURE"}}})
		},
		start: func(_ context.Context, _ options, dir, work string) (program, error) {
			return python(work, filepath.Join(dir, "lambda"), "index.handler",
				"PRIMARY_SERVICE_ARN="+serviceARN(demo.SpotService), "FALLBACK_SERVICE_ARN="+serviceARN(demo.StandardService))
		}},
	{name: "wfercosta", repo: "wfercosta/poc-ecs-fargate-spot-fallback", commit: "514c802cc1aa1e35e1c647abffd370d48c72bc2f",
		file: "app/functions/on-demand-scale-in-out/pkg/handlers/handler_service_task_placement_failure.go", sum: "66ea9bd881d6d204e6133a58386f17acea5c7383cd9e4ed35fe922c7259fb02a",
		rule: func(dir string) (rule, error) { // infra/eventbridge.tf, with its own templates
			pattern, e1 := fill(filepath.Join(dir, "infra/_templates/eventbridge_event_pattern.tftpl"))
			template, e2 := fill(filepath.Join(dir, "infra/_templates/eventbridge_input_template.tftpl"))
			return rule{pattern: pattern, paths: map[string]string{"event_type": "$.detail.eventName"}, template: template}, errors.Join(e1, e2)
		},
		start: func(ctx context.Context, _ options, dir, work string) (program, error) {
			binary := filepath.Join(work, "wfercosta")
			if _, err := os.Stat(binary); err == nil {
				return program{bootstrap: binary}, nil
			}
			cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/lambda")
			cmd.Dir = filepath.Join(dir, "app/functions/on-demand-scale-in-out")
			if text, err := cmd.CombinedOutput(); err != nil {
				return program{}, fmt.Errorf("build it: %w: %s", err, text)
			}
			return program{bootstrap: binary}, nil
		}},
	{name: "hendryanw", repo: "hendryanw/aws-cdk-ecs-fargate-spot-capacity-failback", commit: "fbe5812f0b42bfe183517a8737bfcfe642a43429",
		file: "lambdas/ecs-fargate-spot-capacity-failback-handler/index.js", sum: "14f172045cce046155cf3198a031e2b9f2abe54a2c32e32365fe7f5b3973deb1",
		rule: func(string) (rule, error) { // lib/ecs-fargate-spot-capacity-failback-stack.ts
			return patternOf(map[string]any{"source": []string{"aws.ecs"}, "detail-type": []string{"ECS Service Action"},
				"detail": map[string]any{"eventName": []string{"SERVICE_TASK_PLACEMENT_FAILURE"}, "reason": []string{"RESOURCE:FARGATE"}}})
		},
		start: func(_ context.Context, o options, dir, work string) (program, error) {
			return node(o, work, filepath.Join(dir, "lambdas/ecs-fargate-spot-capacity-failback-handler"), "index.handler")
		}},
	{name: "ryoishim", repo: "ryoishim/fargate-spot-ondemand-failover", commit: "c9d980838beb7f238b4e5a6f14ae1c7054c93087",
		file: "lambda_handler.py", sum: "42eae694a6cbd7bf85d630ffcf09a6022555f4484422eb764b75cd13168e3fcb",
		note: "it publishes no rule; it was invoked for each failed placement",
		rule: func(string) (rule, error) {
			return patternOf(map[string]any{"source": []string{"aws.ecs"}, "detail": map[string]any{"eventName": []string{"SERVICE_TASK_PLACEMENT_FAILURE"}}})
		},
		start: func(_ context.Context, _ options, dir, work string) (program, error) {
			return python(work, dir, "lambda_handler.lambda_handler",
				"ECS_CLUSTER="+demo.Cluster, "ECS_SERVICE_BASE="+demo.SpotService, "ECS_SERVICE_BACKUP="+demo.StandardService)
		}},
	{name: "weny2000", repo: "weny2000/ecs-spot-failover-cdk", commit: "d23c9897e628a2f4f899f04808cb4c484ffbb77b",
		file: "src/lambda/spot-error-detector.ts", sum: "3b524d5966717df3c7545ecadb6b616ea6907ccc5e4a04c2d26c6d0954703792",
		rule: func(string) (rule, error) { // src/ecs-fargate-spot-failover-stack.ts, EcsTaskStateChangeRule
			var reasons []map[string]string
			for _, p := range []string{"Task stopped due to", "ResourcesNotAvailable", "Resource", "SpotInterruption", "Spot", "capacity", "Capacity", "insufficient", "Insufficient"} {
				reasons = append(reasons, map[string]string{"prefix": p})
			}
			return patternOf(map[string]any{"source": []string{"aws.ecs"}, "detail-type": []string{"ECS Task State Change"},
				"detail": map[string]any{"clusterArn": []string{"arn:aws:ecs:" + demo.Region + ":" + account + ":cluster/" + demo.Cluster}, "lastStatus": []string{"STOPPED"}, "stoppedReason": reasons}})
		}},
}

// unpublished are the solutions of docs/comparison.md whose handlers cannot be fetched.
var unpublished = []string{
	"AWS's sample (Solutions Architects): it names no repository",
	"Nucleus \"Fargate Spot Guard\": its code is not published",
	"the article's four functions: they are text in an article, with names of its own services in them (`article` in `backstop simulate` models them)",
}

func names() []string {
	var out []string
	for _, r := range rivals {
		out = append(out, r.name)
	}
	return out
}

func known(name string) bool {
	for _, r := range rivals {
		if r.name == name {
			return true
		}
	}
	return false
}

func patternOf(pattern map[string]any) (rule, error) {
	raw, err := json.Marshal(pattern)
	return rule{pattern: string(raw)}, err
}

// fill reads a template of Terraform's and puts this world's ARNs in.
func fill(path string) (string, error) {
	raw, err := os.ReadFile(path)
	return strings.NewReplacer("${primary_service_arn}", serviceARN(demo.SpotService), "${secondary_service_arn}", serviceARN(demo.StandardService),
		"${cluster_arn}", "arn:aws:ecs:"+demo.Region+":"+account+":cluster/"+demo.Cluster).Replace(string(raw)), err
}

// contestants are those that can be run here, and why the others cannot.
func contestants(ctx context.Context, o options, work string) (all []contestant, skipped []string, err error) {
	all = []contestant{{name: failover.PresetFill, title: "**Backstop** `fill`", policy: failover.PresetFill}, {name: failover.PresetSwitch, title: "Backstop `switch`", policy: failover.PresetSwitch}}
	for _, r := range rivals {
		dir, given := o.dirs[r.name]
		if !given {
			skipped = append(skipped, fmt.Sprintf("`%s`: --dir %s=PATH was not given", r.repo, r.name))
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, r.file))
		if err != nil {
			return nil, nil, fmt.Errorf("--dir %s=%s: %w", r.name, dir, err)
		}
		c := contestant{name: r.name, title: fmt.Sprintf("`%s` @%.7s", r.repo, r.commit)}
		if sum := sha256.Sum256(raw); r.sum != hex.EncodeToString(sum[:]) {
			c.title = "`" + r.repo + "`, another version than @" + r.commit[:7]
		}
		p := program{}
		if r.start != nil {
			if p, err = r.start(ctx, o, dir, work); err != nil {
				skipped = append(skipped, fmt.Sprintf("`%s`: %v", r.repo, err))
				continue
			}
		}
		theirs, err := r.rule(dir)
		if err != nil {
			return nil, nil, fmt.Errorf("read the rule of %s: %w", r.name, err)
		}
		c.open = func(work string) (*demo.Rival, func() string) {
			return invoked(&host{options: o, program: p, work: work, note: r.note}, theirs)
		}
		all = append(all, c)
	}
	skipped = append(skipped, unpublished...)
	all = append(all, contestant{name: "nothing", title: "ECS alone", open: alone}, contestant{name: "on-demand", title: "all on-demand", open: allOnDemand})
	return all, skipped, nil
}
