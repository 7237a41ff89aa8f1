package parts

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/role"
	"github.com/backstop-ecs/backstop/internal/config"
)

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
