// Package session reads the configuration that the AWS SDK has on a machine. The Lambda function does without it (its environment
// says all), as what it links takes a megabyte and a part of every cold start.
package session

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/backstop-ecs/backstop/internal/config"
)

// wrong is what a person has set and the SDK cannot work with.
type wrong struct{ error }

// BadInput reports that the error is of what was given.
func (wrong) BadInput() bool { return true }

// Load reads the AWS SDK's own configuration: environment, profiles, roles. region, if not empty, goes before its. What cannot be
// a region, a profile or an endpoint is refused, with an error that has BadInput.
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
	if none, ok := errors.AsType[awsconfig.SharedConfigProfileNotExistError](err); ok {
		return aws.Config{}, wrong{fmt.Errorf("AWS_PROFILE: there is no profile %q in the files that the AWS SDK reads (`aws configure list-profiles` names those that there are)", none.Profile)}
	}
	if err != nil {
		return aws.Config{}, fmt.Errorf("read AWS configuration: %w", err)
	}
	if cfg.Region != "" && !config.IsRegion(cfg.Region) {
		return aws.Config{}, wrong{fmt.Errorf("region %q (AWS_REGION, the profile or the command line): must have the form of AWS's regions, such as us-east-1", cfg.Region)}
	}
	if at := aws.ToString(cfg.BaseEndpoint); at != "" {
		if u, err := url.Parse(at); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return aws.Config{}, wrong{fmt.Errorf("AWS_ENDPOINT_URL %q: must be an address such as https://HOST or http://127.0.0.1:7070", at)}
		}
	}
	return cfg, nil
}
