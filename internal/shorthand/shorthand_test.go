package shorthand

import (
	"encoding/json"
	"strings"
	"testing"
)

// network has the fields of ECS's NetworkConfiguration in the SDK.
type network struct {
	AwsvpcConfiguration *struct {
		Subnets        []string
		AssignPublicIp string
		SecurityGroups []string
	}
}

// TestValuesAreTakenAsTheAWSCLITakesThem: JSON and shorthand, as the AWS CLI user guide shows them.
func TestValuesAreTakenAsTheAWSCLITakesThem(t *testing.T) {
	for text, want := range map[string]string{
		"awsvpcConfiguration={subnets=[subnet-a,subnet-b],securityGroups=[sg-1],assignPublicIp=ENABLED}": `{"AwsvpcConfiguration":{"Subnets":["subnet-a","subnet-b"],"AssignPublicIp":"ENABLED","SecurityGroups":["sg-1"]}}`,
		`{"awsvpcConfiguration": {"subnets": ["subnet-a"]}}`:                                             `{"AwsvpcConfiguration":{"Subnets":["subnet-a"],"AssignPublicIp":"","SecurityGroups":null}}`,
		`awsvpcConfiguration={subnets=["a, b",'c']}`:                                                     `{"AwsvpcConfiguration":{"Subnets":["a, b","c"],"AssignPublicIp":"","SecurityGroups":null}}`,
	} {
		var n network
		if err := Decode(text, &n); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := json.Marshal(n); string(got) != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"": "character 1: KEY=VALUE is missing", "subnets": "character 8: KEY=VALUE is missing", "awsvpcConfiguration={subnets=[a": "character 32: a comma or ]",
		"awsvpcConfiguration={subnets=[a]": "character 33: a comma or the end", "nothing=1": `unknown field "nothing"`, `{"awsvpcConfiguration": 3}`: "awsvpcConfiguration must be an object with names and values (character 25)",
		`{"awsvpcConfiguration": {"subnets": "a"}}`: "awsvpcConfiguration.subnets must be a list of texts (character 39)", "awsvpcConfiguration={subnets=a}": "awsvpcConfiguration.subnets must be a list of texts",
		`{"awsvpcConfiguration": {"subnets": [3]}}`: "awsvpcConfiguration.subnets must be a text (character 38)",
		`{"awsvpcConfiguration": `:                  "the JSON ends too early (character 23)", `{"awsvpcConfiguration": x}`: "what is there is not JSON (character 25)", `[]`: "the value must be an object with names and values (character 1)",
		`{"awsvpcConfiguration": {]`:       "what is there is not JSON (character 26)",
		"awsvpcConfiguration={subnets='a}": "the closing quote", "{} {}": "something follows", "{}}": "something follows",
	} {
		var n network
		if err := Decode(text, &n); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "json") || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzDecode: whatever is given ends, with a value or an error.
func FuzzDecode(f *testing.F) {
	f.Add("awsvpcConfiguration={subnets=[subnet-a,'b'],assignPublicIp=ENABLED}")
	f.Fuzz(func(t *testing.T, text string) {
		var n network
		_ = Decode(text, &n)
	})
}
