package discover

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/aws/taskdef"
)

const (
	// revisionsMax is how many revisions one DescribeServiceRevisions takes, clustersDescribed how many clusters one DescribeClusters.
	revisionsMax      = 20
	clustersDescribed = 100
)

// Quotas of Fargate in vCPUs (Service Quotas, service code fargate).
const (
	QuotaOnDemand = "L-3032A538"
	QuotaSpot     = "L-36FBB829"
)

// missing keeps that something could not be read, once for each action.
func (f *Found) missing(action, what string, err error) {
	text := failure.Wrap(action, what, err).Error()
	if !slices.Contains(f.Unread, text) {
		f.Unread = append(f.Unread, text)
	}
}

// readDefinitions fills in the task definitions, each read once. One that is not read leaves the size unknown.
func (f *Found) readDefinitions(ctx context.Context, client *ecs.Client) {
	seen := map[string]*types.TaskDefinition{}
	for i := range f.Services {
		s := &f.Services[i]
		arn := aws.ToString(s.Live.Service.TaskDefinition)
		d, known := seen[arn]
		if !known {
			out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn})
			if err != nil {
				f.missing("ecs:DescribeTaskDefinition", "describe task definition "+definitionName(arn), err)
			} else {
				d = out.TaskDefinition
			}
			seen[arn] = d
		}
		if s.Definition = d; d == nil {
			continue
		}
		var err error
		if s.Task, err = taskdef.Of(d); err != nil {
			f.Unread = append(f.Unread, err.Error())
		}
	}
}

// readRevisions fills in the service revisions, where a service runs one alone.
func (f *Found) readRevisions(ctx context.Context, client *ecs.Client) {
	of := map[string]*Service{}
	var arns []string
	for i := range f.Services {
		s := &f.Services[i]
		switch revisions := s.Live.Service.CurrentServiceRevisions; {
		case len(revisions) == 1:
			arn := aws.ToString(revisions[0].Arn)
			of[arn] = s
			arns = append(arns, arn)
		case len(revisions) == 0 && len(s.Live.Service.Deployments) == 1:
			// Older than service revisions, and than all that they alone show.
			d := &s.Live.Service.Deployments[0]
			s.Live.Revision = &types.ServiceRevision{ServiceConnectConfiguration: d.ServiceConnectConfiguration, VolumeConfigurations: d.VolumeConfigurations, VpcLatticeConfigurations: d.VpcLatticeConfigurations}
		}
	}
	for batch := range slices.Chunk(arns, revisionsMax) {
		out, err := client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: batch})
		if err != nil {
			f.missing("ecs:DescribeServiceRevisions", "describe service revisions", err)
			return
		}
		for i := range out.ServiceRevisions {
			if s := of[aws.ToString(out.ServiceRevisions[i].ServiceRevisionArn)]; s != nil {
				s.Live.Revision = &out.ServiceRevisions[i]
			}
		}
	}
}

// readProviders fills in the capacity providers of the clusters.
func (f *Found) readProviders(ctx context.Context, client *ecs.Client, clusters []string) {
	providers := map[string][]string{}
	for batch := range slices.Chunk(clusters, clustersDescribed) {
		out, err := client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: batch})
		if err != nil {
			f.missing("ecs:DescribeClusters", "describe clusters", err)
			return
		}
		for i := range out.Clusters {
			providers[aws.ToString(out.Clusters[i].ClusterName)] = append([]string{}, out.Clusters[i].CapacityProviders...)
		}
	}
	for i := range f.Services {
		f.Services[i].Providers = providers[f.Services[i].Cluster]
	}
}

// readQuotas reads Fargate's quotas of the account.
func (f *Found) readQuotas(ctx context.Context, cfg aws.Config) {
	f.Quotas = map[string]float64{}
	pages := servicequotas.NewListServiceQuotasPaginator(servicequotas.NewFromConfig(cfg), &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("fargate")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.missing("servicequotas:ListServiceQuotas", "list the quotas of Fargate", err)
			return
		}
		for _, q := range page.Quotas {
			f.Quotas[aws.ToString(q.QuotaCode)] = aws.ToFloat64(q.Value)
		}
	}
}

// readScaling fills in the scalable targets.
func readScaling(ctx context.Context, cfg aws.Config, services []Service) error {
	client := applicationautoscaling.NewFromConfig(cfg)
	for batch := range slices.Chunk(services, 50) {
		var ids []string
		for i := range batch {
			ids = append(ids, batch[i].ScalableTarget())
		}
		out, err := client.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceIds: ids})
		if err != nil {
			return failure.Wrap("application-autoscaling:DescribeScalableTargets", "describe scalable targets", err)
		}
		for _, t := range out.ScalableTargets {
			if i := slices.Index(ids, aws.ToString(t.ResourceId)); i >= 0 {
				if t.SuspendedState != nil {
					batch[i].Suspended = *t.SuspendedState
				}
				batch[i].ScalingARN = aws.ToString(t.ScalableTargetARN)
				batch[i].Scaled, batch[i].ScalingMin, batch[i].ScalingMax = true, int(aws.ToInt32(t.MinCapacity)), int(aws.ToInt32(t.MaxCapacity))
			}
		}
	}
	return nil
}

// readPolicies fills in the policies of the services that have a scalable target; one call reads those of all, as each has few.
func (f *Found) readPolicies(ctx context.Context, cfg aws.Config, services []Service) {
	if !slices.ContainsFunc(services, func(s Service) bool { return s.Scaled }) {
		return
	}
	pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(applicationautoscaling.NewFromConfig(cfg), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount"})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.missing("application-autoscaling:DescribeScalingPolicies", "describe scaling policies", err)
			return
		}
		for _, p := range page.ScalingPolicies {
			if i := slices.IndexFunc(services, func(s Service) bool { return s.Scaled && s.ScalableTarget() == aws.ToString(p.ResourceId) }); i >= 0 {
				services[i].Policies = append(services[i].Policies, p)
			}
		}
	}
}

// ScalableTarget is the service's name in Application Auto Scaling.
func (s *Service) ScalableTarget() string { return fmt.Sprintf("service/%s/%s", s.Cluster, s.Name) }
