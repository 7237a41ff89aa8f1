package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/adopt"
	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/discover"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAnAdoptionIsUndoneBesideAGuardThatActs: by its configuration the guard is paused before anything is changed, so that it takes nothing of the cover and adds none;
// adopted again beside it, the service is guarded on.
func TestAnAdoptionIsUndoneBesideAGuardThatActs(t *testing.T) {
	if testing.Short() || racetest.Enabled {
		t.Skip("some seconds, and one goroutine")
	}
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, ReadLag: -1}})
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: box}
	client := ecs.NewFromConfig(cfg)
	_, err1 := client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("prod"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}})
	_, err2 := client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("web"), Cpu: aws.String("512"), Memory: aws.String("1024"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("web:1"), StopTimeout: aws.Int32(120)}}})
	_, err3 := client.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: aws.String("prod"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(6), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}}}})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	least := 0
	advance := func() {
		for range 15 {
			box.AdvanceTo(box.Now().Add(time.Second))
			sum := 0
			for _, s := range box.State().Services {
				sum += s.InService
			}
			if sum < least {
				t.Fatalf("%d of %d in service", sum, least)
			}
		}
	}
	for range 20 {
		advance()
	}
	least = 6
	path := filepath.Join(t.TempDir(), "backstop.yaml")
	var guard *app.App
	s, out, errs := testIO("")
	s.Now = box.Now
	looks := 0
	adoptIt := func(undo bool) error {
		looks = 0
		o := adoptOptions{service: "web", apply: !undo, undo: undo, yes: true, timeout: time.Hour, config: path, scale: 1e6, tick: func(ctx context.Context) error {
			if looks++; looks > 400 {
				return errors.New("it never ends")
			}
			advance()
			if guard == nil {
				return nil
			}
			_, err := guard.Step(ctx)
			return err
		}}
		found, err := discover.Find(t.Context(), cfg, "")
		if err != nil {
			t.Fatal(err)
		}
		service, err := theService(found, "adopt", "web")
		if err != nil {
			t.Fatal(err)
		}
		return o.carryOut(t.Context(), s, cfg, found, service)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // the shell has opened it
		t.Fatal(err)
	}
	box.ForgetCalls()
	if err := adoptIt(false); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	page, err := os.ReadFile("../../docs/adopt.md")
	if err != nil {
		t.Fatal(err)
	}
	_, permissions, _ := strings.Cut(string(page), "\n## Permissions\n")
	for call := range box.Calls().Counts {
		if _, action, _ := strings.Cut(actionOf(call), ":"); !strings.Contains(permissions, action+"`") {
			t.Errorf("adopt --apply calls %s, which docs/adopt.md does not name under Permissions", call)
		}
	}
	text := strings.Replace(strings.Replace(out.String(), "preset: observe", "preset: fill", 1), "sqlite: backstop.db", fmt.Sprintf("sqlite: %q", filepath.Join(t.TempDir(), "state.db")), 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.Parse([]byte(text), path)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if guard, err = app.New(t.Context(), app.Options{Config: file, AWS: cfg, Now: box.Now}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = guard.Close() }()
	step := func() bool {
		reports, err := guard.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return reports[0].After.Pause != nil
	}
	if step() {
		t.Fatal("paused before")
	}
	errs.Reset()
	if err := adoptIt(true); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if !strings.Contains(errs.String(), "the guard of workload web is paused meanwhile") || !strings.Contains(errs.String(), "workload web stays paused, as its twin is gone: take it out of the configuration") || !step() {
		t.Errorf("undone:\n%s", errs)
	}
	found, err := discover.Find(t.Context(), cfg, "")
	if err != nil || len(found.Services) != 1 || found.Services[0].Live.Service.LaunchType != types.LaunchTypeFargate || found.Services[0].Live.Service.RunningCount != 6 {
		t.Errorf("not as it was: %+v, %v", found.Services, err)
	}
	if _, begun := adopt.TwinOf(found, &found.Services[0], ""); begun {
		t.Error("the twin is there")
	}
	runs(t, ExitDone, "resume", "web", "--yes", "-c", path)
	errs.Reset()
	if err := adoptIt(false); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if !strings.Contains(errs.String(), "is paused meanwhile") || step() {
		t.Errorf("adopted again, and not guarded on:\n%s", errs)
	}
}
