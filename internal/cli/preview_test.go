package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAnOrderForASmallServiceSaysHowManyRun is the preview of case L28: what it says of a service of 1 to 12 tasks is what then runs, and
// nothing is doubled for longer than the way takes.
func TestAnOrderForASmallServiceSaysHowManyRun(t *testing.T) {
	counts := []int{1, 2, 4, 8, 12}
	if racetest.Enabled {
		t.Skip("nothing runs side by side here")
	}
	if testing.Short() {
		counts = []int{1, 4}
	}
	for _, preset := range []string{"fill", "switch"} {
		for _, n := range counts {
			dir := t.TempDir()
			path := filepath.Join(dir, "backstop.yaml")
			text := fmt.Sprintf("version: 1\nregion: us-east-1\nstate: {sqlite: %q}\nworkloads:\n  - name: api\n    policy: %s\n    task: {cpu: 1024, memory: 2048}\n    pools:\n"+
				"      - {name: spot, cluster: prod, service: api-spot, capacity: FARGATE_SPOT}\n      - {name: standard, cluster: prod, service: api-standard, capacity: FARGATE}\n", filepath.Join(dir, "state.db"), preset)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := config.Parse([]byte(text), path)
			if err != nil {
				t.Fatal(err)
			}
			// The orders of the command line are dated by the real clock.
			box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, ReadLag: -1, Start: time.Now().UTC().Truncate(time.Second).Add(-30 * time.Minute)}})
			if err := box.Setup(sandbox.Twins{Region: "us-east-1", Cluster: "prod", Name: "api", Count: n, CPU: 1024, Memory: 2048}); err != nil {
				t.Fatal(err)
			}
			cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: box}
			most := 0
			pass := func() (spot, standard int) {
				t.Helper()
				a, err := app.New(t.Context(), app.Options{Config: file, AWS: cfg, Now: box.Now})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := a.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := a.Close(); err != nil {
					t.Fatal(err)
				}
				for _, s := range box.State().Services {
					switch s.Service {
					case "api-spot":
						spot = s.Running
					case "api-standard":
						standard = s.Running
					}
				}
				most = max(most, spot+standard)
				return spot, standard
			}
			pass()
			out, _ := runs(t, ExitDone, "failover", "api", "--yes", "-c", path, "-o", "json")
			var said intentFacts
			if err := json.Unmarshal([]byte(out), &said); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			r := said.Runs
			if r == nil || !r.Priced {
				t.Fatalf("%s, %d tasks: nothing is said: %s", preset, n, out)
			}
			// A task of 1 vCPU and 2 GB is $0.04937 an hour on demand and $0.01571 on Spot.
			if want := fmt.Sprintf("now %d at about $%.2f an hour, at most", n, float64(n)*0.01571); !strings.Contains(r.Text(), want) {
				t.Errorf("%s: %s, want %s", preset, r.Text(), want)
			}
			if want := fmt.Sprintf("on the way, then %d at about $%.2f an hour", n, float64(n)*0.04937); !strings.HasSuffix(r.Text(), want) {
				t.Errorf("%s: %s, want %s", preset, r.Text(), want)
			}
			var spot, standard int
			for range 40 {
				box.AdvanceTo(box.Now().Add(30 * time.Second))
				spot, standard = pass()
			}
			if spot != 0 || standard != r.Then.Tasks {
				t.Errorf("%s, %d tasks: %d run on Spot and %d on demand, the preview says %d", preset, n, spot, standard, r.Then.Tasks)
			}
			if most > r.Peak.Tasks {
				t.Errorf("%s, %d tasks: %d ran on the way, the preview says %d at most", preset, n, most, r.Peak.Tasks)
			}
		}
	}
}
