package state

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// packFrom is the size from which data is compressed: below it the table can be read by people, and what
	// a write costs (one unit per KB) is little either way.
	packFrom = 4 << 10
	// unpackMax bounds what compressed data may become: 25 times an item.
	unpackMax = 10 << 20
)

// pack makes an attribute of JSON: text as it is when small, gzip as binary else.
func pack(body []byte) types.AttributeValue {
	if len(body) < packFrom {
		return text(string(body))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b) // writing to a buffer does not fail
	_, _ = z.Write(body)
	_ = z.Close()
	return &types.AttributeValueMemberB{Value: b.Bytes()}
}

func unpack(v types.AttributeValue) ([]byte, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return []byte(v.Value), nil
	case *types.AttributeValueMemberB:
		z, err := gzip.NewReader(bytes.NewReader(v.Value))
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		out, err := io.ReadAll(io.LimitReader(z, unpackMax+1))
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		if len(out) > unpackMax {
			return nil, fmt.Errorf("unpack: more than %d bytes", unpackMax)
		}
		return out, nil
	}
	return nil, errors.New("the attribute is missing or of another type")
}

// size is how many bytes the attribute's data takes.
func size(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	}
	return 0
}
