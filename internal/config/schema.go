package config

import (
	"encoding/json"
	"strconv"

	"github.com/backstop-ecs/backstop/internal/tunable"
)

// SchemaID names the schema; nothing is fetched from there.
const SchemaID = "https://github.com/backstop-ecs/backstop/backstop.schema.json"

// durationPattern is what a duration looks like: time.ParseDuration's form, with a unit.
const durationPattern = `^(0|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$`

// Schema returns the JSON Schema (draft 2020-12) of the format, for editors. It knows less than [Parse]: what
// goes together is checked there alone.
func Schema() []byte {
	s := spec.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = SchemaID
	s["title"] = "backstop.yaml"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil // the table holds strings and finite numbers only; a test calls this
	}
	return append(out, '\n')
}

type schema = map[string]any

func (k *key) schema() schema {
	s := k.shape()
	if k.doc != "" {
		s["description"] = k.doc
	}
	if k.kind == kindField && k.field.Why != "" {
		s["description"] = k.doc + " Default: " + k.field.Why
	}
	if k.def != "" {
		s["default"] = k.literal(k.def)
	}
	return s
}

func (k *key) shape() schema {
	switch k.kind {
	case kindMap:
		object := k.object()
		if k.short != "" {
			return schema{"oneOf": []any{k.find(k.short).shape(), object}}
		}
		return object
	case kindList:
		return schema{"type": "array", "items": k.item.schema(), "minItems": int(k.min), "maxItems": int(k.max)}
	case kindPairs:
		return schema{"type": "object", "additionalProperties": k.item.shape(), "propertyNames": schema{"pattern": k.form.String()}, "maxProperties": int(k.max)}
	case kindEnum:
		values := make([]any, len(k.values))
		for i, v := range k.values {
			values[i] = k.literal(v)
		}
		return schema{"enum": values}
	case kindInt:
		return schema{"type": "integer", "minimum": k.min, "maximum": k.max}
	case kindNumber:
		return schema{"type": "number", "minimum": k.min, "maximum": k.max}
	case kindDuration:
		return schema{"type": "string", "pattern": durationPattern}
	case kindBool:
		return schema{"type": "boolean"}
	case kindField:
		return k.fieldShape()
	}
	if k.name == "tier" {
		return schema{"type": []string{"string", "integer"}}
	}
	return schema{"type": "string", "pattern": k.form.String()}
}

func (k *key) object() schema {
	properties, required := schema{}, []string{}
	for i := range k.keys {
		properties[k.keys[i].name] = k.keys[i].schema()
		if k.keys[i].required {
			required = append(required, k.keys[i].name)
		}
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	if k.oneOf {
		choices := k.choices()
		if len(choices) == len(k.keys) {
			s["minProperties"], s["maxProperties"] = 1, 1
			return s
		}
		var one []any
		for _, name := range choices {
			one = append(one, schema{"required": []string{name}})
		}
		s["oneOf"] = one
	}
	return s
}

func (k *key) fieldShape() schema {
	switch f := k.field; f.Kind {
	case tunable.KindDuration:
		return schema{"type": "string", "pattern": durationPattern}
	case tunable.KindInt:
		return schema{"type": "integer", "minimum": f.Min, "maximum": f.Max}
	case tunable.KindShare, tunable.KindUSD:
		return schema{"type": "number", "minimum": f.Min, "maximum": f.Max}
	case tunable.KindBool:
		return schema{"type": "boolean"}
	case tunable.KindEnum:
		return schema{"enum": f.Values}
	}
	return schema{"type": "string"}
}

// literal is a value as JSON: a number or a truth value where the key takes one, else text.
func (k *key) literal(text string) any {
	switch k.kind {
	case kindText, kindDuration:
		return text
	case kindField:
		if k.field.Kind == tunable.KindDuration {
			return text
		}
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return x
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	return text
}
