package sandbox

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

var errToken = errors.New("unknown token")

const tokenPrefix = "after:"

// page returns the next size items of a sorted list that come after the one the token names, and the token
// for the rest. A token names the last item given, so that items made or removed meanwhile shift nothing.
func page(sorted []string, size int, token string) (items []string, next string, err error) {
	if token != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(token)
		after, ok := strings.CutPrefix(string(decoded), tokenPrefix)
		if err != nil || !ok {
			return nil, "", errToken
		}
		from, found := slices.BinarySearch(sorted, after)
		if found {
			from++
		}
		sorted = sorted[from:]
	}
	if len(sorted) <= size {
		return sorted, "", nil
	}
	return sorted[:size], base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + sorted[size-1])), nil
}
