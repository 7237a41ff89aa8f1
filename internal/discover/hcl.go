package discover

import (
	"fmt"
	"regexp"
	"strings"
)

// hclName makes a Terraform identifier.
var hclName = regexp.MustCompile(`[^A-Za-z0-9_]`)

// TerraformName is the name of a service's resource.
func TerraformName(service string) string {
	name := hclName.ReplaceAllString(service, "_")
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

// hclText quotes a text for Terraform.
func hclText(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(fmt.Sprintf("%q", s))
}

func hclList(all []string) string {
	quoted := make([]string, len(all))
	for i := range all {
		quoted[i] = hclText(all[i])
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// hclBlock is a block or a map, as terraform fmt writes it.
type hclBlock struct {
	lines  [][2]string // key and value, side by side
	inside []string    // what stands below them, with a line between
}

func (b *hclBlock) set(key, value string) { b.lines = append(b.lines, [2]string{key, value}) }

// add puts a block below the attributes; head is its first line without the brace.
func (b *hclBlock) add(head string, in hclBlock) { b.inside = append(b.inside, in.text(head)) }

func (b *hclBlock) text(head string) string {
	width := 0
	for _, l := range b.lines {
		width = max(width, len(l[0]))
	}
	parts := []string{}
	if len(b.lines) > 0 {
		var lines strings.Builder
		for _, l := range b.lines {
			fmt.Fprintf(&lines, "%-*s = %s\n", width, l[0], l[1])
		}
		parts = append(parts, lines.String())
	}
	return head + " {\n" + indent(strings.Join(append(parts, b.inside...), "\n")) + "}\n"
}

// indent moves lines in by one step.
func indent(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i := range lines {
		if strings.TrimSpace(lines[i]) != "" {
			lines[i] = "  " + lines[i]
		}
	}
	return strings.Join(lines, "")
}
