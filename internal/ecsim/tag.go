package ecsim

import (
	"slices"
	"strings"
)

// TagResource adds or replaces tags of a cluster, service, task or task definition. Error: InvalidParameterException.
func (w *World) TagResource(arn string, tags []Tag) error {
	held, err := w.tagsOf(arn)
	if err != nil {
		return err
	}
	*held = mergeTags(*held, tags)
	return nil
}

// UntagResource removes tags by key; keys that are not there do not matter. Error: InvalidParameterException.
func (w *World) UntagResource(arn string, keys []string) error {
	held, err := w.tagsOf(arn)
	if err != nil {
		return err
	}
	*held = slices.DeleteFunc(*held, func(t Tag) bool { return slices.Contains(keys, t.Key) })
	return nil
}

// ListTagsForResource returns the tags in the order in which they came. Error: InvalidParameterException.
func (w *World) ListTagsForResource(arn string) ([]Tag, error) {
	held, err := w.tagsOf(arn)
	if err != nil {
		return nil, err
	}
	return slices.Clone(*held), nil
}

// tagsOf finds the tags of the resource that an ARN names.
func (w *World) tagsOf(arn string) (*[]Tag, error) {
	unknown := invalid("The specified resource was not found: " + arn)
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "ecs" {
		return nil, invalid("Invalid resource ARN: " + arn)
	}
	r := w.region(parts[3])
	names := strings.Split(parts[5], "/")
	if len(names) < 2 {
		return nil, unknown
	}
	if names[0] == "task-definition" {
		if d := r.definition(names[1]); d != nil {
			return &d.Tags, nil
		}
		return nil, clientError("ClientException", "Unable to describe task definition.")
	}
	cl := r.cluster(names[1])
	if cl == nil {
		return nil, clientError("ClusterNotFoundException", "Cluster not found.")
	}
	switch {
	case names[0] == "cluster":
		return &cl.tags, nil
	case names[0] == "service" && len(names) == 3:
		if s := w.byRef[Ref{r.name, cl.name, names[2]}]; s != nil {
			return &s.tags, nil
		}
	case names[0] == "task" && len(names) == 3:
		if t := w.find(cl, names[2]); t != nil {
			return &t.tags, nil
		}
	}
	return nil, unknown
}

func mergeTags(held, added []Tag) []Tag {
	held = slices.Clone(held)
	for _, tag := range added {
		if i := slices.IndexFunc(held, func(t Tag) bool { return t.Key == tag.Key }); i >= 0 {
			held[i] = tag
			continue
		}
		held = append(held, tag)
	}
	return held
}
