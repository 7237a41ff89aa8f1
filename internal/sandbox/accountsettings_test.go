package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestAccountSettings: what is set is listed, and what holds only when asked for what is effective: one's own, the root user's, AWS's.
func TestAccountSettings(t *testing.T) {
	c := connect(manual(t))
	ctx := t.Context()
	list := func(in ecs.ListAccountSettingsInput) string {
		out := ""
		for _, s := range must[*ecs.ListAccountSettingsOutput](t)(c.ecs.ListAccountSettings(ctx, &in)).Settings {
			out += string(s.Name) + "=" + *s.Value + " "
		}
		return out
	}
	insights := ecs.ListAccountSettingsInput{Name: types.SettingNameContainerInsights, EffectiveSettings: true}
	if got := list(ecs.ListAccountSettingsInput{}) + list(insights); got != "containerInsights=disabled " {
		t.Errorf("a new account: %q", got)
	}
	must[*ecs.PutAccountSettingDefaultOutput](t)(c.ecs.PutAccountSettingDefault(ctx, &ecs.PutAccountSettingDefaultInput{Name: types.SettingNameContainerInsights, Value: new("enhanced")}))
	if got := list(ecs.ListAccountSettingsInput{}) + list(insights); got != "containerInsights=enhanced " {
		t.Errorf("with a default of the root user: %q", got)
	}
	must[*ecs.PutAccountSettingOutput](t)(c.ecs.PutAccountSetting(ctx, &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: new("enabled")}))
	if got := list(ecs.ListAccountSettingsInput{}) + list(insights); got != "containerInsights=enabled containerInsights=enabled " {
		t.Errorf("with one's own: %q", got)
	}
	must[*ecs.DeleteAccountSettingOutput](t)(c.ecs.DeleteAccountSetting(ctx, &ecs.DeleteAccountSettingInput{Name: types.SettingNameContainerInsights}))
	if got := list(insights); got != "containerInsights=enhanced " {
		t.Errorf("without one's own again: %q", got)
	}
	for name, value := range map[types.SettingName]string{"nothing": "enabled", types.SettingNameContainerInsights: "on", types.SettingNameGuardDutyActivate: "on"} {
		_, err := c.ecs.PutAccountSetting(ctx, &ecs.PutAccountSettingInput{Name: name, Value: &value})
		wantError[*types.InvalidParameterException](t, err, "InvalidParameterException")
	}
}
