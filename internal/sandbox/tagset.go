package sandbox

import "slices"

// tagsMax is how many tags a resource has at most.
const tagsMax = 50

// tag is a tag as EventBridge and SNS write it.
type tag struct{ Key, Value string }

// withTags returns tags with others set over them.
func withTags(old, set []tag) []tag {
	out := slices.Clone(old)
	for _, t := range set {
		if i := slices.IndexFunc(out, func(o tag) bool { return o.Key == t.Key }); i >= 0 {
			out[i] = t
			continue
		}
		out = append(out, t)
	}
	return out
}

// withoutTags returns tags less those with the keys.
func withoutTags(old []tag, keys []string) []tag {
	return slices.DeleteFunc(slices.Clone(old), func(t tag) bool { return slices.Contains(keys, t.Key) })
}
