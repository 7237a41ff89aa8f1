// Command lambda measures the function's program as Lambda would run it, on this machine: how long it takes to start,
// and what a warm invocation uses. It runs the bootstrap under the Runtime API, against a sandbox and a DynamoDB in this
// process; scripts/measure-lambda.sh builds both and adds the sizes.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	minidyn "github.com/truora/minidyn/server"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/lambdaruntime"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const region = "us-east-1"

var schedule = []byte(`{"source":"aws.events","detail-type":"Scheduled Event","id":"1","time":"2026-11-24T09:00:00Z","region":"us-east-1","resources":[],"detail":{}}`)

func main() {
	bootstrap := flag.String("bootstrap", "", "the program")
	runs := flag.Int("runs", 20, "how often it is started")
	warm := flag.Int("warm", 200, "warm invocations of the last start")
	workloads := flag.Int("workloads", 1, "workloads that it guards")
	bare := flag.String("bare", "", "a program that does nothing, to compare starts with")
	flag.Parse()
	if err := measure(*bootstrap, *bare, *runs, *warm, *workloads); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(bootstrap, bare string, runs, warm, workloads int) error {
	ctx := context.Background()
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, ReadLag: -1}})
	text := "version: 1\nregion: us-east-1\nstate: {dynamodb: backstop}\nmetrics: {emf: true}\nevents: {sqs: \"http://localhost/1/q\"}\nworkloads:\n"
	for i := range workloads {
		name := fmt.Sprintf("w%03d", i)
		if err := box.SetupTwins("prod", name, 10); err != nil {
			return err
		}
		text += fmt.Sprintf("  - name: %[1]s\n    task: {cpu: 1024, memory: 2048}\n    pools:\n      - {name: spot, cluster: prod, service: %[1]s-spot, capacity: FARGATE_SPOT}\n"+
			"      - {name: standard, cluster: prod, service: %[1]s-standard, capacity: FARGATE}\n", name)
	}
	dyn := minidyn.NewServer()
	account := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_") {
			dyn.ServeHTTP(w, r)
			return
		}
		box.ServeHTTP(w, r)
	}))
	defer account.Close()
	if err := table(ctx, account.URL); err != nil {
		return err
	}
	env := []string{"AWS_ENDPOINT_URL=" + account.URL, "AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"BACKSTOP_CONFIG=" + text, "BACKSTOP_SANDBOX_SPEED=1000"}

	if err := start(ctx, bootstrap, bare, env, runs); err != nil {
		return err
	}

	// Processor time of warm invocations: of many less of one, so that the start is not counted.
	once, _, err := invoke(ctx, bootstrap, env, 1)
	if err != nil {
		return err
	}
	many, took, err := invoke(ctx, bootstrap, env, warm+1)
	if err != nil {
		return err
	}
	slices.Sort(took)
	fmt.Printf("warm pass of %d workloads: %.2f ms of processor time, %.2f ms of time (p50); memory %.1f MiB at most\n", workloads,
		ms(many.cpu-once.cpu)/float64(warm), ms(took[len(took)/2]), float64(many.memory)/(1<<20))
	return nil
}

// start prints how long the program takes to start, and one that does nothing: the two in turn, so that what else the machine does
// slows both.
func start(ctx context.Context, bootstrap, bare string, env []string, runs int) error {
	programs := []string{bootstrap}
	if bare != "" {
		programs = append(programs, bare)
	}
	starts := make([][]time.Duration, len(programs))
	for range runs {
		for i, program := range programs {
			r, err := lambdaruntime.Start(ctx, lambdaruntime.Options{Bootstrap: program, Env: env, Stderr: os.Stderr})
			if err != nil {
				return err
			}
			starts[i] = append(starts[i], r.Init)
			r.Close()
		}
	}
	middle := make([]time.Duration, len(programs))
	for i := range starts {
		slices.Sort(starts[i])
		middle[i] = starts[i][len(starts[i])/2]
	}
	fmt.Printf("init, %d starts: p50 %.1f ms, p90 %.1f ms\n", runs, ms(middle[0]), ms(starts[0][runs*9/10]))
	if bare != "" {
		fmt.Printf("init of a function that does nothing: p50 %.1f ms; ours takes %.2f times that at the median\n", ms(middle[1]), float64(middle[0])/float64(middle[1]))
	}
	return nil
}

type use struct {
	cpu    time.Duration
	memory int64
}

func invoke(ctx context.Context, bootstrap string, env []string, n int) (use, []time.Duration, error) {
	r, err := lambdaruntime.Start(ctx, lambdaruntime.Options{Bootstrap: bootstrap, Env: env, Stderr: os.Stderr})
	if err != nil {
		return use{}, nil, err
	}
	var took []time.Duration
	for range n {
		begun := time.Now()
		if _, err := r.Invoke(ctx, schedule, time.Minute); err != nil {
			r.Close()
			return use{}, nil, err
		}
		took = append(took, time.Since(begun))
	}
	cpu, memory := r.Close()
	return use{cpu, memory}, took, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func table(ctx context.Context, endpoint string) error {
	client := dynamodb.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	attr := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: aws.String("backstop"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{attr("pk"), attr("sk")}})
	return err
}
