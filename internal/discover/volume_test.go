package discover

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/twin"
)

// TestAVolumeIsWrittenWhole: every field that AWS's SDK knows of a volume has its attribute. One that AWS adds fails here.
func TestAVolumeIsWrittenWhole(t *testing.T) {
	written := map[string]string{"Encrypted": "encrypted ", "FilesystemType": "file_system_type ", "Iops": "iops ", "KmsKeyId": "kms_key_id ", "RoleArn": "role_arn ", "SizeInGiB": "size_in_gb ", "SnapshotId": "snapshot_id ",
		"TagSpecifications": "tag_specifications {", "Throughput": "throughput ", "VolumeInitializationRate": "volume_initialization_rate ", "VolumeType": "volume_type "}
	v := &types.ServiceManagedEBSVolumeConfiguration{RoleArn: aws.String("arn:aws:iam::123456789012:role/volumes"), Encrypted: aws.Bool(true), FilesystemType: types.TaskFilesystemTypeXfs, Iops: aws.Int32(3000),
		KmsKeyId: aws.String("k"), SizeInGiB: aws.Int32(20), SnapshotId: aws.String("snap-1"), Throughput: aws.Int32(125), VolumeInitializationRate: aws.Int32(200), VolumeType: aws.String("gp3"),
		TagSpecifications: []types.EBSTagSpecification{{ResourceType: types.EBSResourceTypeVolume, PropagateTags: types.PropagateTagsService, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}}}}}
	s := Service{Cluster: "prod", Name: "web", Live: twin.Live{Service: &types.Service{ServiceName: aws.String("web"), ClusterArn: aws.String("prod"), TaskDefinition: aws.String("web:1")},
		Revision: &types.ServiceRevision{VolumeConfigurations: []types.ServiceVolumeConfiguration{{Name: aws.String("data"), ManagedEBSVolume: v}}}}}
	text, err := s.Terraform("web-standard")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[types.ServiceManagedEBSVolumeConfiguration]()) {
		if !f.IsExported() {
			continue
		}
		if attribute := written[f.Name]; attribute == "" || !strings.Contains(text, attribute) {
			t.Errorf("%s is not written:\n%s", f.Name, text)
		}
	}
	for _, want := range []string{"  volume_configuration {\n    name = \"data\"\n\n    managed_ebs_volume {\n", "      tag_specifications {\n        resource_type  = \"volume\"\n        propagate_tags = \"SERVICE\"\n\n        tags = {\n          \"team\" = \"shop\"\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "by hand") {
		t.Errorf("something is left:\n%s", text)
	}
}
