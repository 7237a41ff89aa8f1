package adopt

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

var update = flag.Bool("update", false, "write testdata")

// TestTerraformHasTheStepsOfThePlan writes a service with much of what a service can have, which terraform/test.sh validates.
func TestTerraformHasTheStepsOfThePlan(t *testing.T) {
	a := newAccount(t)
	a.shifting("shop", 2, types.DeploymentStrategyBlueGreen, 3)
	a.service("plain", 1, 120, on(provider("FARGATE_SPOT", 1, 0)))
	a.service("4half", 3, 120, nil)
	a.web()
	if _, err := a.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), EnableExecuteCommand: aws.Bool(true), HealthCheckGracePeriodSeconds: aws.Int32(60),
		DeploymentConfiguration: &types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(25), MaximumPercent: aws.Int32(100), DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true},
			Alarms: &types.DeploymentAlarms{Enable: true, AlarmNames: []string{"5xx"}}},
		VolumeConfigurations: []types.ServiceVolumeConfiguration{{Name: aws.String("data"), ManagedEBSVolume: &types.ServiceManagedEBSVolumeConfiguration{RoleArn: aws.String("arn:aws:iam::123456789012:role/volumes"), SizeInGiB: aws.Int32(20)}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ecs.TagResource(t.Context(), &ecs.TagResourceInput{ResourceArn: a.find().Services[0].Live.Service.ServiceArn, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a ${b}")}}}); err != nil {
		t.Fatal(err)
	}
	a.pass(10 * time.Minute)
	found := a.find()
	for i := range found.Services {
		s := &found.Services[i]
		p, err := a.plan(s.Name, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := p.Terraform(s)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, st := range p.Steps {
			i := strings.Index(text[at:], ", "+st.Name+": ")
			if i < 0 {
				t.Fatalf("%s: no step %s after the one before it:\n%s", s.Name, st.Name, text)
			}
			at += i
		}
		formatted(t, s.Name, text)
		if s.Name == "web" {
			golden(t, "testdata/web.tf", text)
		}
	}
}

// formatted holds a text to terraform fmt, where that is.
func formatted(t *testing.T, name, text string) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		return // terraform/test.sh does it as well
	}
	cmd := exec.CommandContext(t.Context(), "terraform", "fmt", "-no-color", "-")
	cmd.Stdin = strings.NewReader(text)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil || out.String() != text {
		t.Errorf("%s: terraform fmt: %v %s\n%s\nit writes\n%s", name, err, &trouble, text, &out)
	}
}

func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s is stale: go test ./internal/adopt -run Terraform -update writes it; got\n%s", path, text)
	}
}
