package wording

import "testing"

func TestNamesThatBeginAlikeComeFirst(t *testing.T) {
	names := []string{"api", "batch", "web", "web-admin", "billing"}
	for name, want := range map[string]string{
		"web-adnim": "web-admin, web, api and 2 more",
		"bil":       "billing, batch, api and 2 more",
		"":          "api, batch, web and 2 more",
	} {
		if got := Near(name, names); got != want {
			t.Errorf("near %q: %q, want %q", name, got, want)
		}
	}
}
