package function

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// environ is the environment as the SDK's clients ask it: endpoints of single services, and whether those of FIPS or of both IP versions
// are wanted.
type environ struct{ getenv func(string) string }

// GetServiceBaseEndpoint returns AWS_ENDPOINT_URL_ and the service.
func (e environ) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	url := e.getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return url, url != "", nil
}

// GetUseFIPSEndpoint returns AWS_USE_FIPS_ENDPOINT.
func (e environ) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, e.getenv("AWS_USE_FIPS_ENDPOINT") == "true", nil
}

// GetUseDualStackEndpoint returns AWS_USE_DUALSTACK_ENDPOINT.
func (e environ) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, e.getenv("AWS_USE_DUALSTACK_ENDPOINT") == "true", nil
}

// loadAWS makes the SDK's configuration of what Lambda puts into the environment. The SDK's own loader knows profiles, single sign-on and
// metadata services besides, none of which a function has.
func loadAWS(getenv func(string) string) (aws.Config, error) {
	e := environ{getenv}
	cfg := aws.Config{Region: orElse(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION")), ConfigSources: []any{e}}
	if getenv("AWS_ACCESS_KEY_ID") == "" || getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return cfg, errors.New("read AWS configuration: no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which Lambda sets; elsewhere run: backstop run")
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint = &url
	}
	client := awshttp.NewBuildableClient()
	if path := getenv("AWS_CA_BUNDLE"); path != "" {
		pem, err := os.ReadFile(path)
		roots := x509.NewCertPool()
		if err == nil && !roots.AppendCertsFromPEM(pem) {
			err = errors.New("it has no certificate")
		}
		if err != nil {
			return cfg, fmt.Errorf("read AWS_CA_BUNDLE %s: %w", path, err)
		}
		client = client.WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = roots })
	}
	cfg.HTTPClient = client
	return cfg, nil
}
