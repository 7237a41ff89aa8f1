package session

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatCannotBeIsRefused in words that name the variable, before anything is called.
func TestWhatCannotBeIsRefused(t *testing.T) {
	for name, set := range map[string]map[string]string{
		`region "us east"`:                     {"AWS_REGION": "us east"},
		`AWS_PROFILE: there is no profile "no`: {"AWS_PROFILE": "nope"},
		`AWS_ENDPOINT_URL "::"`:                {"AWS_ENDPOINT_URL": "::"},
		`AWS_ENDPOINT_URL "ftp://x"`:           {"AWS_ENDPOINT_URL": "ftp://x"},
		"":                                     {"AWS_REGION": "eusc-de-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:7070"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"} {
				t.Setenv(v, set[v])
			}
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
			_, err := Load(t.Context(), "")
			var bad interface{ BadInput() bool }
			if name == "" {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.As(err, &bad) || !bad.BadInput() || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("got %v", err)
			}
		})
	}
}
