package sandbox_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// cliPrograms returns the AWS CLIs on this machine: the first on PATH and Debian's.
func cliPrograms(t *testing.T) []string {
	t.Helper()
	var programs []string
	if p, err := exec.LookPath("aws"); err == nil {
		programs = append(programs, p)
	}
	const debians = "/usr/bin/aws"
	if _, err := os.Stat(debians); err == nil && (len(programs) == 0 || programs[0] != debians) {
		programs = append(programs, debians)
	}
	if len(programs) == 0 {
		t.Skip("no aws on PATH: the AWS CLI is not tested (Debian: apt-get install awscli)")
	}
	if racetest.Enabled {
		programs = programs[:1] // the other one asks the same of the sandbox, half a minute long
	}
	return programs
}

func TestTheAWSCLIWorksWithAnEndpointAndDummyCredentials(t *testing.T) {
	for _, program := range cliPrograms(t) {
		t.Run(filepath.Base(filepath.Dir(program)), func(t *testing.T) {
			t.Parallel()
			s, url := serve(t, sandbox.Options{}, "127.0.0.1:0")
			if err := s.SetupTwins("prod", "api", 3); err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) (map[string]any, string) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), program, append([]string{"--endpoint-url", url, "--region", "us-east-1", "--output", "json"}, args...)...)
				home := t.TempDir()
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "AWS_CONFIG_FILE=" + home + "/config", "AWS_SHARED_CREDENTIALS_FILE=" + home + "/credentials",
					"AWS_ACCESS_KEY_ID=dummy", "AWS_SECRET_ACCESS_KEY=dummy", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=127.0.0.1", "LC_ALL=C.UTF-8"}
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				if err := cmd.Run(); err != nil {
					return nil, errs.String()
				}
				answer := map[string]any{}
				if out.Len() > 0 {
					if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
						t.Fatalf("%v: %v: %s", args, err, out.String())
					}
				}
				return answer, ""
			}
			works := func(args ...string) map[string]any {
				t.Helper()
				answer, problem := run(args...)
				if problem != "" {
					t.Fatalf("aws %s: %s", strings.Join(args, " "), problem)
				}
				return answer
			}
			services := works("ecs", "describe-services", "--cluster", "prod", "--services", "api-spot", "api-standard")["services"].([]any)
			if v := services[0].(map[string]any); len(services) != 2 || v["runningCount"] != 3.0 {
				t.Errorf("services: %v", services)
			}
			if v := works("ecs", "update-service", "--cluster", "prod", "--service", "api-standard", "--desired-count", "0")["service"].(map[string]any); v["desiredCount"] != 0.0 {
				t.Errorf("updated service: %v", v)
			}
			steered(t, s, "POST", "delivery", `{"paused": true}`) // the queue is for the messages below
			if _, problem := run("ecs", "describe-services", "--cluster", "nowhere", "--services", "x"); !strings.Contains(problem, "(ClusterNotFoundException)") {
				t.Errorf("a cluster that is not there: %s", problem)
			}
			queue := works("sqs", "get-queue-url", "--queue-name", "backstop-events")["QueueUrl"].(string)
			works("sqs", "send-message", "--queue-url", queue, "--message-body", "a <b> & c", "--message-attributes", `{"k":{"DataType":"String","StringValue":"v"}}`)
			var body string
			for range 3 { // events of the update may come first
				messages, _ := works("sqs", "receive-message", "--queue-url", queue, "--attribute-names", "All", "--message-attribute-names", "All", "--max-number-of-messages", "10")["Messages"].([]any)
				for _, m := range messages {
					m := m.(map[string]any)
					if text := m["Body"].(string); strings.HasPrefix(text, "a ") {
						body = text
						if m["Attributes"].(map[string]any)["ApproximateReceiveCount"] != "1" || m["MessageAttributes"].(map[string]any)["k"].(map[string]any)["StringValue"] != "v" {
							t.Errorf("message: %v", m)
						}
						works("sqs", "delete-message-batch", "--queue-url", queue, "--entries", `[{"Id":"x","ReceiptHandle":"`+m["ReceiptHandle"].(string)+`"}]`)
					}
				}
				if body != "" {
					break
				}
			}
			if body != "a <b> & c" {
				t.Errorf("body: %q", body)
			}
			if _, problem := run("sqs", "get-queue-url", "--queue-name", "nowhere"); !strings.Contains(problem, "NonExistentQueue") {
				t.Errorf("a queue that is not there: %s", problem)
			}
			works("application-autoscaling", "register-scalable-target", "--service-namespace", "ecs", "--resource-id", "service/prod/api-spot",
				"--scalable-dimension", "ecs:service:DesiredCount", "--min-capacity", "1", "--max-capacity", "9")
			topic := works("sns", "create-topic", "--name", "ops")["TopicArn"].(string)
			works("sns", "publish", "--topic-arn", topic, "--message", "hello")
			if n := s.Notices(); len(n) != 1 || n[0].Message != "hello" {
				t.Errorf("notices: %+v", n)
			}
			works("service-quotas", "get-service-quota", "--service-code", "fargate", "--quota-code", "L-36FBB829")
			if who := works("sts", "get-caller-identity"); who["Account"] != "123456789012" {
				t.Errorf("identity: %v", who)
			}
			works("events", "list-rules")
		})
	}
}
