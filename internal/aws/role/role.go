// Package role gives an AWS configuration for another region or account.
package role

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Session is how a guard appears in CloudTrail in calls through an assumed role.
const Session = "backstop"

// At returns cfg for a region, with the credentials of a role if arn names one; they are asked for at the first call, and again before
// they end. session appears in CloudTrail.
func At(cfg aws.Config, region, arn, session string) aws.Config {
	out := cfg.Copy()
	out.Region = region
	if arn != "" {
		base := out.Copy()
		out.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), arn,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = session }))
	}
	return out
}
