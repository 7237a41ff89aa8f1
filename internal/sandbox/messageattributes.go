package sandbox

import (
	"fmt"
	"regexp"
	"strings"
)

// attributeName is the form of a message attribute's name; what AWS keeps for itself and dots in odd places is refused beside it.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

// numberForm is the form of an attribute of the type Number.
var numberForm = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// checkAttributes says what is wrong with message attributes, in the words that SQS and SNS share; "" if nothing is.
func checkAttributes(attributes map[string]messageAttribute) string {
	for _, name := range sortedKeys(attributes) {
		a := attributes[name]
		kind, _, _ := strings.Cut(a.DataType, ".")
		lower := strings.ToLower(name)
		switch {
		case !attributeName.MatchString(name):
			return fmt.Sprintf("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.", clip(name))
		case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
			return fmt.Sprintf("The message attribute name '%s' is invalid.", clip(name))
		case a.DataType == "":
			return fmt.Sprintf("The message attribute '%s' must contain non-empty message attribute type.", name)
		case kind != "String" && kind != "Number" && kind != "Binary":
			return fmt.Sprintf("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case kind == "Binary" && len(a.BinaryValue) == 0 || kind != "Binary" && a.StringValue == "":
			return fmt.Sprintf("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
		case kind == "Number" && !numberForm.MatchString(a.StringValue):
			return fmt.Sprintf("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	}
	return ""
}
