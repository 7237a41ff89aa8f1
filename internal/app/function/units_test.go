package function_test

import (
	"encoding/base64"
	"encoding/json"
)

// units is what DynamoDB bills for on demand: a write unit for each KB of an item, twice in a transaction; a read unit
// for each 4 KB of an item that is read strongly consistent, and for one that is not there.
type units struct{ reads, writes int }

type item map[string]map[string]any

// size is an item's size as DynamoDB reckons it: names, and values as they are sent, binary ones decoded.
func (i item) size() int {
	n := 0
	for name, value := range i {
		n += len(name)
		for kind, v := range value {
			text, _ := v.(string)
			if kind == "B" {
				raw, _ := base64.StdEncoding.DecodeString(text)
				n += len(raw)
				continue
			}
			n += len(text)
		}
	}
	return n
}

func part(size, of int) int { return max(1, (size+of-1)/of) }

// count adds what a call costs, by its request and answer.
func (u *units) count(op string, request, answer []byte) {
	var in struct {
		Item          item
		RequestItems  map[string]struct{ Keys []item }
		TransactItems []struct{ Put struct{ Item item } }
	}
	var out struct {
		Responses map[string][]item
		Items     []item
	}
	_ = json.Unmarshal(request, &in) // an answer of another form costs nothing
	_ = json.Unmarshal(answer, &out)
	switch op {
	case "PutItem":
		u.writes += part(in.Item.size(), 1<<10)
	case "TransactWriteItems":
		for _, t := range in.TransactItems {
			u.writes += 2 * part(t.Put.Item.size(), 1<<10)
		}
	case "BatchGetItem":
		for table, keys := range in.RequestItems {
			u.reads += len(keys.Keys) - len(out.Responses[table])
			for _, i := range out.Responses[table] {
				u.reads += part(i.size(), 4<<10)
			}
		}
	case "Query":
		n := 0
		for _, i := range out.Items {
			n += i.size()
		}
		u.reads += part(n, 4<<10)
	}
}
