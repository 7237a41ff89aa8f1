package sandbox

import "slices"

// settingsPage is how many settings ListAccountSettings gives at a time, at most and without maxResults.
const settingsPage = 10

// settingDefaults are the account settings with what AWS gives an account of today (ECS developer guide, account settings), by name.
var settingDefaults = map[string]string{"awsvpcTrunking": "disabled", "containerInsights": "disabled", "containerInstanceLongArnFormat": "enabled",
	"defaultLogDriverMode": "non-blocking", "fargateFIPSMode": "disabled", "fargateTaskRetirementWaitPeriod": "7", "guardDutyActivate": "off",
	"serviceLongArnFormat": "enabled", "tagResourceAuthorization": "on", "taskLongArnFormat": "enabled"}

// settingValues are the values of a setting that takes others than enabled and disabled.
var settingValues = map[string][]string{"containerInsights": {"enabled", "disabled", "enhanced"}, "defaultLogDriverMode": {"blocking", "non-blocking"},
	"fargateTaskRetirementWaitPeriod": {"0", "7", "14"}, "tagResourceAuthorization": {"on", "off"}}

// settingKey is whose setting it is: a principal's, or the root user's, which holds for everybody who has none.
type settingKey struct{ region, principal, name string }

// accountSettings are those that were set. They are kept and shown; nothing in the sandbox depends on them.
type accountSettings map[settingKey]string

// effective is the value that holds for a principal.
func (a accountSettings) effective(key settingKey, root string) string {
	if own, ok := a[key]; ok {
		return own
	}
	key.principal = root
	if all, ok := a[key]; ok {
		return all
	}
	return settingDefaults[key.name]
}

type settingJSON struct {
	Name         string `json:"name"`
	Value        string `json:"value"`
	PrincipalArn string `json:"principalArn"`
	Type         string `json:"type"`
}

type settingOutput struct {
	Setting settingJSON `json:"setting"`
}

type settingsOutput struct {
	Settings  []settingJSON `json:"settings"`
	NextToken string        `json:"nextToken,omitempty"`
}

type settingInput struct {
	Name              string `json:"name"`
	Value             string `json:"value"`
	PrincipalArn      string `json:"principalArn"`
	EffectiveSettings bool   `json:"effectiveSettings"`
	MaxResults        *int   `json:"maxResults"`
	NextToken         string `json:"nextToken"`
}

func settingType(name string) string {
	if name == "guardDutyActivate" {
		return "aws_managed"
	}
	return "user"
}

// key is the setting that a call is about. Without a principal it is the caller's.
func (in *settingInput) key(s *Sandbox, c *call) (settingKey, error) {
	if _, known := settingDefaults[in.Name]; !known {
		return settingKey{}, ecsInvalid("Invalid parameter: unknown setting name %s", clip(in.Name))
	}
	return settingKey{c.region, orDefault(in.PrincipalArn, callerARN(s)), in.Name}, nil
}

func callerARN(s *Sandbox) string { return "arn:aws:iam::" + s.account() + ":user/sandbox" }

func rootARN(s *Sandbox) string { return "arn:aws:iam::" + s.account() + ":root" }

func (key settingKey) json(value string) settingJSON {
	return settingJSON{key.name, value, key.principal, settingType(key.name)}
}

func putAccountSetting(s *Sandbox, c *call, in *settingInput) (*settingOutput, error) {
	key, err := in.key(s, c)
	if err != nil {
		return nil, err
	}
	values := settingValues[in.Name]
	if values == nil {
		values = []string{"enabled", "disabled"}
	}
	switch {
	case settingType(in.Name) != "user":
		return nil, ecsInvalid("The setting %s is managed by AWS and cannot be modified.", in.Name)
	case !slices.Contains(values, in.Value):
		return nil, ecsInvalid("Invalid parameter: the value of %s must be one of %v (got %s)", in.Name, values, clip(in.Value))
	}
	s.settings[key] = in.Value
	return &settingOutput{key.json(in.Value)}, nil
}

func putAccountSettingDefault(s *Sandbox, c *call, in *settingInput) (*settingOutput, error) {
	in.PrincipalArn = rootARN(s)
	return putAccountSetting(s, c, in)
}

func deleteAccountSetting(s *Sandbox, c *call, in *settingInput) (*settingOutput, error) {
	key, err := in.key(s, c)
	if err != nil {
		return nil, err
	}
	delete(s.settings, key)
	return &settingOutput{key.json(s.settings.effective(key, rootARN(s)))}, nil
}

// listAccountSettings gives what a principal has set, or with effectiveSettings what holds for it.
func listAccountSettings(s *Sandbox, c *call, in *settingInput) (*settingsOutput, error) {
	size := settingsPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	switch {
	case size < 1 || size > settingsPage:
		return nil, ecsInvalid("maxResults must be between 1 and %d", settingsPage)
	case in.Value != "" && in.Name == "":
		return nil, ecsInvalid("Invalid parameter: a value needs the name of its setting")
	case in.Name != "" && settingDefaults[in.Name] == "":
		return nil, ecsInvalid("Invalid parameter: unknown setting name %s", clip(in.Name))
	}
	principal := orDefault(in.PrincipalArn, callerARN(s))
	shown := map[string]settingJSON{}
	for name := range settingDefaults {
		key := settingKey{c.region, principal, name}
		value, set := s.settings[key]
		if in.EffectiveSettings {
			value, set = s.settings.effective(key, rootARN(s)), true
		}
		if set && (in.Name == "" || in.Name == name) && (in.Value == "" || in.Value == value) {
			shown[name] = key.json(value)
		}
	}
	names, next, err := page(sortedKeys(shown), size, in.NextToken)
	if err != nil {
		return nil, ecsInvalid("Invalid token: %s", clip(in.NextToken))
	}
	out := &settingsOutput{Settings: []settingJSON{}, NextToken: next}
	for _, name := range names {
		out.Settings = append(out.Settings, shown[name])
	}
	return out, nil
}
