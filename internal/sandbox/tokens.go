package sandbox

import (
	"bytes"
	"encoding/json"
)

// Limits of client tokens.
const (
	createTokenMax = 36
	runTokenMax    = 64
	tokensKept     = 10_000 // the oldest go; AWS keeps tokens for a day
)

type tokenKey struct{ region, operation, token string }

// tokenBook remembers the calls that came with a client token, so that a second one has no effect of its own.
type tokenBook struct {
	seen  map[tokenKey]tokenUse
	order []tokenKey
}

// tokenUse is the first call with a token.
type tokenUse struct {
	parameters string
	answer     any
}

// once answers a call with a client token: the first runs, a second with the same parameters gets the first one's answer, and
// one with others ConflictException. A call that fails leaves its token free. An empty token is none.
func once[O any](s *Sandbox, c *call, token string, longest int, run func() (O, error)) (O, error) {
	var none O
	if token == "" {
		return run()
	}
	if len(token) > longest {
		return none, ecsInvalid("clientToken is longer than %d characters", longest)
	}
	key := tokenKey{c.region, c.operation, token}
	parameters, err := canonical(c.body)
	if err != nil {
		return none, err
	}
	if first, again := s.tokens.seen[key]; again {
		answer, ok := first.answer.(O)
		if first.parameters != parameters || !ok {
			return none, refuse("ConflictException", "The client token was used with other parameters")
		}
		return answer, nil
	}
	answer, err := run()
	if err != nil {
		return none, err
	}
	s.tokens.add(key, tokenUse{parameters, answer})
	return answer, nil
}

func (b *tokenBook) add(key tokenKey, use tokenUse) {
	if b.seen == nil {
		b.seen = map[tokenKey]tokenUse{}
	}
	b.seen[key] = use
	b.order = append(b.order, key)
	if len(b.order) > tokensKept {
		delete(b.seen, b.order[0])
		b.order = b.order[1:]
	}
}

// canonical is the JSON of a call's parameters with the keys in order, so that two spellings of one call are the same.
func canonical(body []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var parameters map[string]any
	if err := decoder.Decode(&parameters); err != nil {
		return "", refuse("SerializationException", "%s", serializationMessage(err))
	}
	out, err := json.Marshal(parameters)
	return string(out), err
}
