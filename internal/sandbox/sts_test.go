package sandbox_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const roleOfOthers = "arn:aws:iam::999999999999:role/team/backstop"

func TestAnAssumedRoleHasCredentialsAndAnIdentity(t *testing.T) {
	s := manual(t)
	c := connect(s)
	before := time.Now()
	out := must[*sts.AssumeRoleOutput](t)(c.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: new(roleOfOthers), RoleSessionName: new("me@work")}))
	got := out.Credentials
	for what, x := range map[string]struct{ value, form string }{
		"access key": {*got.AccessKeyId, `^ASIA[A-Z2-7]{16}$`}, "secret": {*got.SecretAccessKey, `^[A-Za-z0-9+/]{40}$`}, "token": {*got.SessionToken, `^[A-Za-z0-9+/=]{40,}$`},
		"arn": {*out.AssumedRoleUser.Arn, `^arn:aws:sts::999999999999:assumed-role/backstop/me@work$`}, "id": {*out.AssumedRoleUser.AssumedRoleId, `^AROA[A-Z2-7]{17}:me@work$`},
	} {
		if !regexp.MustCompile(x.form).MatchString(x.value) {
			t.Errorf("%s: %s", what, x.value)
		}
	}
	// The sandbox's own clock stands still in 2026: the credentials must be good on the clock of their holder.
	if left := got.Expiration.Sub(before); left < 59*time.Minute || left > 61*time.Minute {
		t.Errorf("expires in %s of real time, want an hour", left)
	}
	again := must[*sts.AssumeRoleOutput](t)(c.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: new(roleOfOthers), RoleSessionName: new("me@work"), DurationSeconds: aws.Int32(900)}))
	if *again.AssumedRoleUser.AssumedRoleId != *out.AssumedRoleUser.AssumedRoleId || *again.Credentials.AccessKeyId == *got.AccessKeyId {
		t.Errorf("assumed again: %s with the access key %s", *again.AssumedRoleUser.AssumedRoleId, *again.Credentials.AccessKeyId)
	}
	if left := again.Credentials.Expiration.Sub(before); left > 16*time.Minute {
		t.Errorf("of 900 seconds, expires in %s", left)
	}

	as := func(key, token string) string {
		id := must[*sts.GetCallerIdentityOutput](t)(c.sts.GetCallerIdentity(t.Context(), nil, func(o *sts.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(key, "secret", token)
		}))
		return *id.Account + " " + *id.Arn + " " + *id.UserId
	}
	if who := as(*got.AccessKeyId, *got.SessionToken); who != "999999999999 "+*out.AssumedRoleUser.Arn+" "+*out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("with the credentials the caller is %s", who)
	}
	for _, token := range []string{"", "IQoJb3JpZ2luX2VjEXAMPLE", "%%%", "YmFja3N0b3Atc2FuZGJveAphcm46YXdzOmlhbTo6"} { // other people's, and one cut off
		if who := as("ASIAEXAMPLE", token); who != "123456789012 arn:aws:iam::123456789012:user/sandbox AIDASANDBOXEXAMPLE00" {
			t.Errorf("with the token %q the caller is %s", token, who)
		}
	}
}

func TestAssumeRoleIsRefusedAsByAWS(t *testing.T) {
	c := connect(manual(t))
	const good, one = "arn:aws:iam::123456789012:role/backstop", "1 validation error detected: Value "
	const denied = "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: sts:AssumeRole on resource: "
	for _, x := range []struct {
		role, name    string
		seconds       int32
		code, message string
	}{
		{good, "ab", 900, "", ""},
		{good, strings.Repeat("s", 64), 3600, "", ""},
		{"arn:aws-us-gov:iam::123456789012:role/a/path/backstop", "x.y+z=1,2@3-4_5", 3600, "", ""},
		{"", "ab", 900, "ValidationError", "2 validation errors detected: Value '' at 'roleArn' failed to satisfy constraint: Member must satisfy regular expression pattern: " +
			`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+` + "; Value '' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"backstop", "ab", 900, "ValidationError", one + "'backstop' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"nothing-valid-in-here", "ab", 900, "ValidationError", "nothing-valid-in-here is invalid"},
		{"arn::b:::something/test-role", "ab", 900, "ValidationError", "arn::b:::something/test-role is invalid"},
		{"arn:a::::something/test-role", "ab", 900, "ValidationError", "arn:a::::something/test-role is invalid"},
		{"arn:a:::something/test-role", "ab", 900, "ValidationError", "arn:a:::something/test-role is invalid"},
		{"arn:a:a::aaaaaaaaaa:", "ab", 900, "ValidationError", "arn:a:a::aaaaaaaaaa: is invalid"},
		{"arn:aws:iam::123456789012:user/backstop", "ab", 900, "AccessDenied", denied + "arn:aws:iam::123456789012:user/backstop"},
		{"arn:aws:iam::12345678901:role/backstop", "ab", 900, "AccessDenied", denied + "arn:aws:iam::12345678901:role/backstop"},
		{"arn:aws:iam:us-east-1:123456789012:role/backstop", "ab", 900, "AccessDenied", denied + "arn:aws:iam:us-east-1:123456789012:role/backstop"},
		{good, "a", 900, "ValidationError", one + "'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{good, strings.Repeat("s", 65), 900, "ValidationError", one + "'" + strings.Repeat("s", 65) + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{good, "Session1:2", 900, "ValidationError", one + `'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{good, "ab", 899, "ValidationError", one + "'899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{good, "ab", 43201, "ValidationError", one + "'43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{good, "ab", 3601, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
	} {
		t.Run(x.role+" "+x.name, func(t *testing.T) {
			_, err := c.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &x.role, RoleSessionName: &x.name, DurationSeconds: &x.seconds})
			wantRefused(t, err, x.code, x.message)
		})
	}
}

// TestAssumeRoleNamesWhatIsMissing asks without the SDK, which would not send it.
func TestAssumeRoleNamesWhatIsMissing(t *testing.T) {
	w := post(manual(t), strings.NewReader("Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/backstop"),
		map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Amz-Target": ""})
	const want = "<Code>ValidationError</Code><Message>1 validation error detected: Value null at &#39;roleSessionName&#39; failed to satisfy constraint: Member must not be null</Message>"
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestTheSDKRenewsAnAssumedRoleOnceAnHour has the world run a hundred times as fast as the clock that the SDK reads.
func TestTheSDKRenewsAnAssumedRoleOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.Options{Speed: 100})
		cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: s, BaseEndpoint: new("http://sandbox.localhost")}
		own := cfg.Copy()
		own.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), roleOfOthers, func(o *stscreds.AssumeRoleOptions) { o.Duration = time.Hour }))
		client := sts.NewFromConfig(own)
		for range 3 * 60 {
			if id := must[*sts.GetCallerIdentityOutput](t)(client.GetCallerIdentity(context.Background(), nil)); *id.Account != "999999999999" {
				t.Fatalf("the caller is %s", *id.Arn)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // of the bubble
		}
		if n := len(s.Calls().Of("sts:AssumeRole")); n != 3 {
			t.Errorf("assumed %d times in three hours, want 3", n)
		}
	})
}
