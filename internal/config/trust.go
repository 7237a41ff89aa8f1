package config

import (
	"fmt"
	"maps"
)

// pairs returns the texts under a key of kindPairs by their names; nil if there are none.
func (v *value) pairs(name string) map[string]string {
	list := v.get(name)
	if list == nil || len(list.fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(list.fields))
	for name, text := range list.fields {
		out[name] = text.text
	}
	return out
}

// checkTrusts reports what is said of a role where there is none, and one role of which two things are said: it is assumed once for all
// of its pools.
func (c *checker) checkTrusts(workloads []*value) {
	first := map[string]*value{}
	for _, w := range workloads {
		for _, p := range w.list("pools") {
			role := p.str("role_arn")
			for _, name := range []string{"external_id", "session_tags"} {
				if v := p.get(name); v != nil && role == "" {
					c.report(v, "belongs to a role", "", "set role_arn, or leave it out")
				}
			}
			f := first[role]
			if f == nil || role == "" {
				first[role] = p
				continue
			}
			if f.str("external_id") != p.str("external_id") || !maps.Equal(f.pairs("session_tags"), p.pairs("session_tags")) {
				c.report(p.get("role_arn"), fmt.Sprintf("has another external_id or other session_tags than in %s (line %d)", f.path, f.line), "", "a role is assumed once for all of its pools: say the same of it everywhere")
			}
		}
	}
}
