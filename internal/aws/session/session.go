// Package session reads the configuration that the AWS SDK has on a machine. The Lambda function does without it (its environment
// says all), as what it links takes a megabyte and a part of every cold start.
package session

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// Load reads the AWS SDK's own configuration: environment, profiles, roles. region, if not empty, goes before its.
func Load(ctx context.Context, region string) (aws.Config, error) {
	opts := []func(*awsconfig.LoadOptions) error{
		// A plain client would be refused where AWS_CA_BUNDLE is set.
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient()),
		// What the SDK would write to stderr by itself, in a form of its own, comes back as an error too.
		awsconfig.WithLogger(logging.Nop{}),
	}
	if region != "" {
		opts = append(opts, awsconfig.WithRegion(region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read AWS configuration: %w", err)
	}
	return cfg, nil
}
