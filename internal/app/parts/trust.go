package parts

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/config"
)

// LoadFor reads the AWS SDK's own configuration for what a file configures: its region, and what the trust policies of its roles ask for.
func LoadFor(ctx context.Context, f *config.File) (aws.Config, error) {
	cfg, err := LoadAWS(ctx, f.Region)
	if err != nil {
		return aws.Config{}, err
	}
	return Trusting(cfg, f), nil
}

// Trusting returns cfg with what the trust policies of a file's roles ask for.
func Trusting(cfg aws.Config, f *config.File) aws.Config {
	of := map[string]role.Trust{}
	for i := range f.Workloads {
		for _, p := range f.Workloads[i].Pools {
			if p.ExternalID != "" || len(p.SessionTags) > 0 {
				of[p.RoleARN] = role.Trust{ExternalID: p.ExternalID, Tags: p.SessionTags}
			}
		}
	}
	if len(of) == 0 {
		return cfg
	}
	return role.With(cfg, of)
}
