// Package role gives an AWS configuration for another region or account.
package role

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// Session is how a guard appears in CloudTrail in calls through an assumed role.
const Session = "backstop"

// Trust is what a role's trust policy asks for besides the caller's identity.
type Trust struct {
	ExternalID string            // sts:ExternalId; empty: none
	Tags       map[string]string // session tags, which need sts:TagSession; empty: none
}

// trusts are the trusts by role ARN. They travel among the sources of an aws.Config, so that whoever assumes a role by that configuration
// needs to know nothing of them.
type trusts map[string]Trust

// With returns cfg for callers of [At] whose roles have these trusts, by role ARN. Trusts given before are replaced.
func With(cfg aws.Config, of map[string]Trust) aws.Config {
	out := cfg.Copy()
	out.ConfigSources = slices.DeleteFunc(slices.Clone(cfg.ConfigSources), func(source any) bool { _, ok := source.(trusts); return ok })
	out.ConfigSources = append(out.ConfigSources, trusts(of))
	return out
}

// At returns cfg for a region, with the credentials of a role if arn names one; they are asked for at the first call, and again before
// they end. session appears in CloudTrail.
func At(cfg aws.Config, region, arn, session string) aws.Config {
	out := cfg.Copy()
	out.Region = region
	if arn == "" {
		return out
	}
	base := out.Copy()
	out.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), arn, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = session
		trust := trustOf(cfg, arn)
		if trust.ExternalID != "" {
			o.ExternalID = &trust.ExternalID
		}
		for _, key := range slices.Sorted(maps.Keys(trust.Tags)) {
			o.Tags = append(o.Tags, types.Tag{Key: aws.String(key), Value: aws.String(trust.Tags[key])})
		}
	}))
	return out
}

func trustOf(cfg aws.Config, arn string) Trust {
	for _, source := range cfg.ConfigSources {
		if of, ok := source.(trusts); ok {
			return of[arn]
		}
	}
	return Trust{}
}
