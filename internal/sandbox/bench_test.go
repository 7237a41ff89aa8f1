package sandbox_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func BenchmarkDescribeTenServices(b *testing.B) {
	s := manual(b, func(o *sandbox.Options) { o.NoThrottle = true })
	var names []string
	for i := range 5 {
		if err := s.SetupTwins("prod", fmt.Sprint("w", i), 20); err != nil {
			b.Fatal(err)
		}
		names = append(names, fmt.Sprintf("w%d-spot", i), fmt.Sprintf("w%d-standard", i))
	}
	run := func(client *ecs.Client) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.DescribeServices(b.Context(), &ecs.DescribeServicesInput{Cluster: new("prod"), Services: names}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("in_process", run(connect(s).ecs))
	server := httptest.NewServer(s)
	defer server.Close()
	b.Run("loopback", run(ecs.NewFromConfig(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient: awshttp.NewBuildableClient(), BaseEndpoint: &server.URL})))
}

func BenchmarkDescribeAHundredTasks(b *testing.B) {
	s := manual(b, func(o *sandbox.Options) { o.NoThrottle = true })
	if err := s.SetupTwins("prod", "api", 100); err != nil {
		b.Fatal(err)
	}
	c := connect(s)
	list, err := c.ecs.ListTasks(b.Context(), &ecs.ListTasksInput{Cluster: new("prod")})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ecs.DescribeTasks(b.Context(), &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: list.TaskArns}); err != nil {
			b.Fatal(err)
		}
	}
}
