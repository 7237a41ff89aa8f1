package app_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestWhatAWSDoesOtherwiseIsToldOnce lets Spot warn as it did until 2023: whether the guard acts or only observes, a person is told once, also when
// the daemon is started again, and not again after that.
func TestWhatAWSDoesOtherwiseIsToldOnce(t *testing.T) {
	for _, preset := range []string{"fill", "observe"} {
		if testing.Short() && preset == "fill" {
			continue
		}
		t.Run(preset, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 3, WarningForm: ecsim.WarningTerminationNotice}})
				if err := box.SetupTwins(cluster, "api", 6); err != nil {
					t.Fatal(err)
				}
				drive, parked := context.WithCancel(t.Context())
				drove := make(chan struct{})
				go func() {
					defer close(drove)
					box.Drive(drive)
				}()
				cfg := awsConfig("http://sandbox.localhost", box)
				topic, err := sns.NewFromConfig(cfg).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("notices")})
				if err != nil {
					t.Fatal(err)
				}
				conf := twins(preset, box.QueueURL(), filepath.Join(t.TempDir(), "state.db"), "api")
				conf.Notify = []config.Notify{{SNS: aws.ToString(topic.TopicArn)}}
				for range 2 { // lives of the daemon
					ctx, stop := context.WithCancel(t.Context())
					a, err := app.New(ctx, app.Options{Config: conf, AWS: cfg, Owner: "test", Now: box.Now})
					if err != nil {
						t.Fatal(err)
					}
					ran := make(chan error, 1)
					go func() { ran <- a.Run(ctx) }()
					for range 3 {
						sleep(8 * time.Minute)
						box.World(func(w *ecsim.World) {
							w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 1, "", false)
						})
					}
					sleep(3 * time.Minute)
					stop()
					if err := <-ran; err != nil {
						t.Error(err)
					}
					if err := a.Close(); err != nil {
						t.Error(err)
					}
				}
				parked()
				<-drove
				told := 0
				for _, n := range box.Notices() {
					var m notice.Message
					if json.Unmarshal([]byte(n.Attributes["json"]), &m) == nil && m.Kind == notice.Unexpected {
						if told++; !strings.Contains(strings.Join(m.What, "\n"), "(A10)") || m.Workload != "api" {
							t.Errorf("%+v", m)
						}
					}
				}
				if told != 1 {
					t.Errorf("told %d times in %d notices", told, len(box.Notices()))
				}
			})
		})
	}
}
