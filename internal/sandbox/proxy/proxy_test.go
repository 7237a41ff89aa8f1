package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/sandbox/proxy"
)

// server is a sandbox behind a proxy on a socket: where it is, the authority's certificate, and a client that knows these two alone.
type server struct {
	endpoint string
	ca       []byte
	client   *http.Client
}

func served(t *testing.T, speed float64) server {
	t.Helper()
	box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1}, Speed: speed})
	l, err := box.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, ca, err := proxy.New(box, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l.Handler = p
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx) }()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatalf("no certificate in %s", ca)
	}
	at, err := url.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server{l.URL, ca, &http.Client{Transport: transport}}
}

// TestAProgramWithoutAnEndpointReachesTheSandbox: by AWS's own names, in two regions and two services.
func TestAProgramWithoutAnEndpointReachesTheSandbox(t *testing.T) {
	client := served(t, 1).client
	for _, region := range []string{"us-east-1", "eu-central-1"} {
		cfg := aws.Config{Region: region, HTTPClient: client, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
		name := aws.String("of-" + region)
		if _, err := ecs.NewFromConfig(cfg).CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: name}); err != nil {
			t.Fatal(err)
		}
		got, err := ecs.NewFromConfig(cfg).DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{*name}})
		if err != nil || len(got.Clusters) != 1 || !strings.HasPrefix(*got.Clusters[0].ClusterArn, "arn:aws:ecs:"+region+":") {
			t.Errorf("%s: %v %+v", region, err, got)
		}
		queue, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: name})
		if err != nil {
			t.Fatal(err)
		}
		// A client that goes where the queue's URL leads comes here again.
		if want := "https://sqs." + region + ".amazonaws.com/"; !strings.HasPrefix(*queue.QueueUrl, want) {
			t.Errorf("the queue's URL is %s, want %s...", *queue.QueueUrl, want)
		}
	}
}

// TestItTunnelsToNowhereElse, and its authority can sign for no other name.
func TestItTunnelsToNowhereElse(t *testing.T) {
	s := served(t, 1)
	for _, to := range []string{"https://example.com/", "https://amazonaws.com.example.com/", "http://example.com/"} {
		r, err := s.client.Get(to)
		if err == nil {
			_ = r.Body.Close()
		}
		if err == nil && r.StatusCode != http.StatusForbidden || err != nil && !strings.Contains(err.Error(), "Forbidden") {
			t.Errorf("%s: %v", to, err)
		}
	}
	r, err := http.Get(s.endpoint + "/_sandbox/state") // the sandbox itself is as it was
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode == http.StatusForbidden {
		t.Errorf("the sandbox's own routes: %s", r.Status)
	}
}
