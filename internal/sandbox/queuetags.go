package sandbox

import "maps"

type queueTags struct {
	QueueUrl string
	Tags     map[string]string
	TagKeys  []string
}

type queueTagsOutput struct {
	Tags stringMap `json:",omitempty" xml:"Tag"`
}

func tagQueue(s *Sandbox, _ *call, in *queueTags) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if len(in.Tags) == 0 {
		return empty{}, sqsInvalid("MissingParameter", "The request must contain the parameter Tags.")
	}
	tags := maps.Clone(q.tags)
	maps.Copy(tags, in.Tags)
	if len(tags) > queueTagsMax {
		return empty{}, sqsInvalid("InvalidParameterValue", "Too many tags added for queue %s.", q.name)
	}
	q.tags = tags
	return empty{}, nil
}

func untagQueue(s *Sandbox, _ *call, in *queueTags) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if len(in.TagKeys) == 0 {
		return empty{}, sqsInvalid("InvalidParameterValue", "Tag keys must be between 1 and 128 characters in length.")
	}
	for _, k := range in.TagKeys {
		delete(q.tags, k)
	}
	return empty{}, nil
}

func listQueueTags(s *Sandbox, _ *call, in *queueInput) (*queueTagsOutput, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &queueTagsOutput{Tags: q.tags}, nil
}
