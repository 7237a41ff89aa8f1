package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Redacted is what is shown in place of a secret.
const Redacted = "[redacted]"

// Where a secret can be kept.
const (
	SecretEnv  = "env"  // an environment variable
	SecretSSM  = "ssm"  // a parameter of AWS Systems Manager
	SecretFile = "file" // a file
)

// Secret is a value that must not be shown, or where it is kept. However it is printed, formatted or encoded,
// nothing but [Redacted] comes out (nothing at all for the zero Secret).
type Secret struct{ value, scheme, name string }

// Literal makes a secret of a value that is known.
func Literal(value string) Secret { return Secret{value: value} }

// Value returns the secret when it stands in the file itself.
func (s Secret) Value() (value string, ok bool) { return s.value, s.value != "" }

// Reference returns where the secret is kept: its scheme ([SecretEnv], [SecretSSM] or [SecretFile]) and the
// name there.
func (s Secret) Reference() (scheme, name string, ok bool) { return s.scheme, s.name, s.scheme != "" }

// IsZero says that there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns [Redacted].
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Redacted
}

// Format writes [Redacted] for every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns [Redacted]; it serves JSON, YAML and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// veil leaves of a text that looks like a URL no more than scheme and host, where there is more: a path can be a secret, and
// so can a user.
func veil(text string) string {
	scheme, rest, isURL := strings.Cut(strings.TrimSpace(text), "://")
	if !isURL {
		scheme, rest = "", text
	}
	end := strings.IndexAny(rest, `/?#\`)
	if end < 0 {
		end = len(rest)
	}
	host, more := rest[:end], len(rest) > end+1 || strings.Contains(rest[:end], "@")
	host = host[strings.LastIndex(host, "@")+1:]
	switch {
	case !isURL && (strings.HasPrefix(strings.ToLower(text), "http") && more || strings.ContainsAny(text, "@")):
		return Redacted // a URL with a slip in it
	case !more || !isURL && (!strings.Contains(host, ".") || strings.HasPrefix(text, "arn:")):
		return text
	case strings.ContainsFunc(scheme, func(r rune) bool { return !unicode.IsLetter(r) }) || strings.ContainsFunc(host, unicode.IsSpace):
		return Redacted
	case !isURL:
		return host + "/" + Redacted
	}
	return scheme + "://" + host + "/" + Redacted
}

// reference reads scheme:name. problem is "" when it is one.
func reference(text string) (s Secret, problem string) {
	scheme, name, ok := strings.Cut(text, ":")
	switch scheme {
	case SecretEnv, SecretSSM, SecretFile:
		if ok && name != "" && strings.TrimSpace(name) == name {
			return Secret{scheme: scheme, name: name}, ""
		}
	}
	return Secret{}, "must be env:NAME, ssm:NAME or file:PATH"
}
