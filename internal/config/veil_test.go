package config

import (
	"strings"
	"testing"
)

const hookWorkload = `
workloads:
  - name: api
    pools:
      - {name: spot, cluster: c, service: s, capacity: FARGATE_SPOT}
      - {name: standard, cluster: c, service: t, capacity: FARGATE}
`

func TestOfAURLSchemeAndHostAreShown(t *testing.T) {
	for in, want := range map[string]string{
		"https://h.example.com/S": "https://h.example.com/[redacted]", "https://h?token=S": "https://h/[redacted]", "https://h#S": "https://h/[redacted]",
		"https://u:S@h.example.com": "https://h.example.com/[redacted]", "HTTPS://h:8443/S": "HTTPS://h:8443/[redacted]",
		"hooks.slack.com/services/S": "hooks.slack.com/[redacted]", "https:/h/S": "[redacted]", "https:h/S": "[redacted]", "u:S@h.example.com": "[redacted]",
		"see https://h/S": "[redacted]", "https://h": "https://h", "https://h/": "https://h/", "slac": "slac", "": "",
		"arn:aws:iam::123456789012:role/my.role": "arn:aws:iam::123456789012:role/my.role", "a/b": "a/b",
	} {
		if got := veil(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// TestAReceiversURLIsShownUnderNoKey: under the wrong key, as a key, and where something else is wanted.
func TestAReceiversURLIsShownUnderNoKey(t *testing.T) {
	const url = "https://hooks.example.com/t0ps3cret"
	for _, notify := range []string{
		"[{sns: \"" + url + "\"}]", "[{\"" + url + "\": x}]", "[{? \"" + url + "\" : {}}]", "[{slack: {\"" + url + "\": x}}]",
		"\"" + url + "\"", "{\"" + url + "\": x}", "[\"" + url + "\"]", "[{sns: hooks.example.com/t0ps3cret}]", "[{slack: {secret: \"" + url + "\"}}]",
		"[{\"" + url + "\": 1, \"" + url + "\": 2}]", "[{webhook: {url: \"https://u:t0ps3cret@hooks.example.com/\"}}]",
		"[{webhook: {url: \"" + url + "\", signing_secret: \"" + url + "\"}}]", "[{sns: \"https://t0ps3cret@hooks.example.com\"}]", "[{<<: \"" + url + "\"}]",
	} {
		_, err := Parse([]byte("version: 1\nnotify: "+notify+hookWorkload), "b.yaml")
		if err == nil || strings.Contains(err.Error(), "t0ps3cret") {
			t.Errorf("notify: %s\ngives %v", notify, err)
		}
	}
	_, err := Parse([]byte("version: 1\n\""+url+"\": x"+hookWorkload), "b.yaml")
	if err == nil || strings.Contains(err.Error(), "t0ps3cret") {
		t.Errorf("as a key of the file: %v", err)
	}
}

func TestAReceiversURLIsJudgedInTheFile(t *testing.T) {
	for url, want := range map[string]string{
		"https://169.254.169.254/t0ps3cret": "metadata", "https://[fd00:ec2::254]/t0ps3cret": "metadata", "https://[2002:7f00:1::]/t0ps3cret": "metadata",
		"https://user:t0ps3cret@hooks.example.com/": "no user", "https://h:t0ps3cret/x": "must be an https URL",
		"https://127.0.0.1/t0ps3cret": "", "http://localhost:9/t0ps3cret": "", "https://10.0.0.7/t0ps3cret": "", "https://hooks.example.com/t0ps3cret": "",
	} {
		for _, receiver := range []string{"slack", "webhook"} {
			_, err := Parse([]byte("version: 1\nnotify: [{"+receiver+": {url: \""+url+"\"}}]"+hookWorkload), "b.yaml")
			switch {
			case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%s %s: got %v, want %q", receiver, url, err, want)
			case err != nil && strings.Contains(err.Error(), "t0ps3cret"):
				t.Errorf("%s %s: it is shown: %v", receiver, url, err)
			}
		}
	}
}
