package sandbox

type queueTags struct {
	QueueUrl string
	Tags     map[string]string
	TagKeys  []string
}

type queueTagsOutput struct {
	Tags stringMap `json:",omitempty" xml:"Tag"`
}

func (s *Sandbox) tagQueue(_ *call, in *queueTags) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	for k, v := range in.Tags {
		q.tags[k] = v
	}
	return empty{}, nil
}

func (s *Sandbox) untagQueue(_ *call, in *queueTags) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	for _, k := range in.TagKeys {
		delete(q.tags, k)
	}
	return empty{}, nil
}

func (s *Sandbox) listQueueTags(_ *call, in *queueInput) (*queueTagsOutput, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &queueTagsOutput{Tags: q.tags}, nil
}
