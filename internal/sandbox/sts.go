package sandbox

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

var stsOperations = map[string]operation{
	"AssumeRole":        op((*Sandbox).assumeRole),
	"GetCallerIdentity": op((*Sandbox).getCallerIdentity),
}

// Limits of AssumeRole (STS API reference). A role's longest session is an hour unless its owner allows more, and the sandbox has
// no owners.
const (
	roleARNBytesMin, roleARNBytesMax         = 20, 2048
	sessionNameBytesMin, sessionNameBytesMax = 2, 64
	sessionSecondsMin, sessionSecondsMax     = 900, 43200
	sessionSecondsDefault                    = 3600
)

var (
	roleARN     = regexp.MustCompile(`^arn:(aws(?:-[a-z]+)*):iam::([0-9]{12}):role/(?:[!-~]+/)?([\w+=,.@-]+)$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]*$`)
)

// session is a role that was assumed.
type session struct{ partition, account, role, name string }

// newSession reads a role's ARN; ok is false if it is none.
func newSession(arn, name string) (s session, ok bool) {
	part := roleARN.FindStringSubmatch(arn)
	if part == nil {
		return session{}, false
	}
	return session{partition: part[1], account: part[2], role: part[3], name: name}, true
}

// arn leaves the role's path out, as STS does.
func (s session) arn() string {
	return "arn:" + s.partition + ":sts::" + s.account + ":assumed-role/" + s.role + "/" + s.name
}

// id is made of the role's own id, which stays the same however often it is assumed, and the session's name.
func (s session) id() string { return "AROA" + letters(s.account+"/"+s.role, 17) + ":" + s.name }

// letters makes n letters and digits, as ids of IAM have them, of a text.
func letters(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	return base32.StdEncoding.EncodeToString(sum[:])[:n]
}

// sessionTokenPrefix marks the session tokens given out here.
const sessionTokenPrefix = "backstop-sandbox\n"

// token holds the session itself: whoever shows it is that session, however many there are, and none is kept.
func (s session) token() string {
	return base64.StdEncoding.EncodeToString([]byte(sessionTokenPrefix + "arn:" + s.partition + ":iam::" + s.account + ":role/" + s.role + "\n" + s.name))
}

// sessionOf is token run backwards; ok is false for a token from elsewhere.
func sessionOf(token string) (s session, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(token)
	rest, own := strings.CutPrefix(string(raw), sessionTokenPrefix)
	arn, name, _ := strings.Cut(rest, "\n")
	if err != nil || !own || !sessionName.MatchString(name) {
		return session{}, false
	}
	return newSession(arn, name)
}

type assumeRoleInput struct {
	RoleArn, RoleSessionName *string
	DurationSeconds          *int
}

// violations words what is wrong with a call as AWS's request validation does (recorded answers in localstack/localstack,
// tests/aws/services/sts/test_sts.snapshot.json; aws/aws-sdk-cpp #1252 for a missing member, mmmorris1975/aws-runas #80 for
// several violations, in this order).
type violations []string

func (v *violations) add(value, member, constraint string) {
	*v = append(*v, "Value "+value+" at '"+member+"' failed to satisfy constraint: Member must "+constraint)
}

func (v *violations) refusal(code string) error {
	switch n := len(*v); n {
	case 0:
		return nil
	case 1:
		return refuse(code, "1 validation error detected: %s", (*v)[0])
	default:
		return refuse(code, "%d validation errors detected: %s", n, strings.Join(*v, "; "))
	}
}

// text checks a string that must be there.
func (v *violations) text(value *string, member string, pattern *regexp.Regexp, shown string, least, most int) {
	if value == nil {
		v.add("null", member, "not be null")
		return
	}
	quoted := "'" + clip(*value) + "'"
	if !pattern.MatchString(*value) {
		v.add(quoted, member, "satisfy regular expression pattern: "+shown)
	}
	switch n := utf8.RuneCountInString(*value); {
	case n < least:
		v.add(quoted, member, fmt.Sprintf("have length greater than or equal to %d", least))
	case n > most:
		v.add(quoted, member, fmt.Sprintf("have length less than or equal to %d", most))
	}
}

// printable is AWS's pattern for ARNs: anything that XML can hold.
var printable = regexp.MustCompile(`^[\x{0009}\x{000A}\x{000D}\x{0020}-\x{007E}\x{0085}\x{00A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+$`)

const printableShown = `[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`

func (in *assumeRoleInput) check() error {
	var v violations
	v.text(in.RoleArn, "roleArn", printable, printableShown, roleARNBytesMin, roleARNBytesMax)
	v.text(in.RoleSessionName, "roleSessionName", sessionName, `[\w+=,.@-]*`, sessionNameBytesMin, sessionNameBytesMax)
	if d := in.DurationSeconds; d != nil && *d < sessionSecondsMin {
		v.add(fmt.Sprintf("'%d'", *d), "durationSeconds", fmt.Sprintf("have value greater than or equal to %d", sessionSecondsMin))
	} else if d != nil && *d > sessionSecondsMax {
		v.add(fmt.Sprintf("'%d'", *d), "durationSeconds", fmt.Sprintf("have value less than or equal to %d", sessionSecondsMax))
	}
	if err := v.refusal("ValidationError"); err != nil {
		return err
	}
	if !isARN(*in.RoleArn) {
		return refuse("ValidationError", "%s is invalid", clip(*in.RoleArn))
	}
	if d := in.DurationSeconds; d != nil && *d > sessionSecondsDefault {
		return refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}

// isARN is what AssumeRole calls valid: six parts, of which partition, service and resource are there. Whether it is a role's is
// another question.
func isARN(text string) bool {
	part := strings.SplitN(text, ":", 6)
	return len(part) == 6 && part[0] == "arn" && part[1] != "" && part[2] != "" && part[5] != ""
}

// credentialsXML and what follows have the order of STS's answer.
type credentialsXML struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }

type assumedRoleUserXML struct{ AssumedRoleId, Arn string }

type assumedRole struct {
	Credentials     credentialsXML
	AssumedRoleUser assumedRoleUserXML
}

// assumeRole lets anybody assume any role: there are no roles to look up and no policies to ask.
//
// The credentials expire by real time, not by the virtual time that everything else here goes by: the SDKs hold Expiration
// against the clock of the machine they run on, and would ask anew for every call, or never, if the sandbox's were another.
func (s *Sandbox) assumeRole(c *call, in *assumeRoleInput) (*assumedRole, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	as, ok := newSession(*in.RoleArn, *in.RoleSessionName)
	if !ok { // AWS does not tell what is no role from a role that one may not assume
		caller, _ := s.getCallerIdentity(c, nil)
		return nil, &apiError{Code: "AccessDenied", Status: http.StatusForbidden,
			Message: "User: " + caller.Arn + " is not authorized to perform: sts:AssumeRole on resource: " + clip(*in.RoleArn)}
	}
	seconds := sessionSecondsDefault
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	secret := sha256.Sum256([]byte("secret " + c.id))
	return &assumedRole{
		Credentials: credentialsXML{AccessKeyId: "ASIA" + letters(c.id, 16), SecretAccessKey: base64.StdEncoding.EncodeToString(secret[:30]), SessionToken: as.token(),
			Expiration: c.wall.Add(time.Duration(seconds) * time.Second).UTC().Format("2006-01-02T15:04:05Z")},
		AssumedRoleUser: assumedRoleUserXML{as.id(), as.arn()},
	}, nil
}

// callerIdentity has the order that STS's answer has.
type callerIdentity struct{ Arn, UserId, Account string }

func (s *Sandbox) getCallerIdentity(c *call, _ *empty) (*callerIdentity, error) {
	if as, ok := sessionOf(c.token); ok {
		return &callerIdentity{Arn: as.arn(), UserId: as.id(), Account: as.account}, nil
	}
	return &callerIdentity{Arn: "arn:aws:iam::" + s.account() + ":user/sandbox", UserId: "AIDASANDBOXEXAMPLE00", Account: s.account()}, nil
}
