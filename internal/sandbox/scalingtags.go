package sandbox

import "maps"

type scalingTagsInput struct {
	ResourceARN string
	Tags        map[string]string
	TagKeys     []string
}

// taggedTarget finds the scalable target whose tags a call is about.
func taggedTarget(s *Sandbox, c *call, arn string) (*scalableTarget, error) {
	if arn == "" {
		return nil, missingMember("resourceARN")
	}
	for key, t := range s.targets {
		if key.region == c.region && t.ScalableTargetARN == arn {
			return t, nil
		}
	}
	return nil, refuse("ResourceNotFoundException", "The specified resource doesn't exist: %s", clip(arn))
}

// checkScalingTags applies the service's rules for tags.
func checkScalingTags(tags map[string]string) error {
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 {
			return scalingInvalid("A tag's key has 1 to 128 characters and its value at most 256 (key %s)", clip(key))
		}
	}
	if len(tags) > tagsMax {
		return refuse("TooManyTagsException", "A scalable target has at most %d tags", tagsMax)
	}
	return nil
}

func tagTarget(s *Sandbox, c *call, in *scalingTagsInput) (empty, error) {
	t, err := taggedTarget(s, c, in.ResourceARN)
	if err != nil {
		return empty{}, err
	}
	tags := map[string]string{}
	maps.Copy(tags, t.tags)
	maps.Copy(tags, in.Tags)
	if err := checkScalingTags(tags); err != nil {
		return empty{}, err
	}
	t.tags = tags
	return empty{}, nil
}

func untagTarget(s *Sandbox, c *call, in *scalingTagsInput) (empty, error) {
	t, err := taggedTarget(s, c, in.ResourceARN)
	if err != nil {
		return empty{}, err
	}
	for _, key := range in.TagKeys {
		delete(t.tags, key)
	}
	return empty{}, nil
}

func listTagsOfTarget(s *Sandbox, c *call, in *scalingTagsInput) (map[string]map[string]string, error) {
	t, err := taggedTarget(s, c, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	maps.Copy(tags, t.tags)
	return map[string]map[string]string{"Tags": tags}, nil
}
