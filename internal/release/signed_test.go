package release

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestAReleaseIsSignedAndAttested: files, the function's zip and the image, without a key that could be lost.
func TestAReleaseIsSignedAndAttested(t *testing.T) {
	var goreleaser struct {
		Signs []struct {
			Cmd, Artifacts, Signature string
			Args                      []string
		}
		DockerSigns []struct {
			Cmd  string
			Args []string
		} `yaml:"docker_signs"`
		SBOMs    []struct{ Artifacts string }
		Checksum struct {
			Name string `yaml:"name_template"`
		}
		DockerDigest struct {
			Name string `yaml:"name_template"`
		} `yaml:"docker_digest"`
	}
	if err := yaml.Unmarshal([]byte(read(t, ".goreleaser.yaml")), &goreleaser); err != nil {
		t.Fatal(err)
	}
	if s := goreleaser.Signs; len(s) != 1 || s[0].Cmd != "cosign" || s[0].Artifacts != "all" || s[0].Signature != "${artifact}.sigstore.json" || !slices.Contains(s[0].Args, "sign-blob") {
		t.Errorf("files are signed as %+v", s)
	}
	if s := goreleaser.DockerSigns; len(s) != 1 || s[0].Cmd != "cosign" || !slices.Contains(s[0].Args, "${artifact}@${digest}") {
		t.Errorf("the image is signed as %+v; a tag can be moved, a digest not", s)
	}
	if s := goreleaser.SBOMs; len(s) != 1 || s[0].Artifacts != "archive" {
		t.Errorf("SBOMs: %+v", s)
	}
	var w workflow
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/release.yml")), &w); err != nil {
		t.Fatal(err)
	}
	attested, tools := map[any]bool{}, ""
	for _, step := range w.Jobs["release"].Steps {
		tools += step.Uses + "\n"
		if strings.HasPrefix(step.Uses, "actions/attest@") {
			attested[step.With["subject-checksums"]] = true
			attested[step.With["sbom-path"]] = true
		}
	}
	for _, want := range []string{"dist/" + goreleaser.Checksum.Name, "dist/" + goreleaser.DockerDigest.Name, "dist/backstop-lambda_arm64.zip.sbom.json"} {
		if !attested[want] {
			t.Errorf("release.yml attests nothing of %s", want)
		}
	}
	for _, tool := range []string{"sigstore/cosign-installer@", "anchore/sbom-action/download-syft@"} {
		if !strings.Contains(tools, tool) {
			t.Errorf("release.yml does not install %s", tool)
		}
	}
	for name, text := range workflows(t) {
		if regexp.MustCompile(`(?i)cosign[_-]?(private[_-]?key|password)|--key\b`).MatchString(text) {
			t.Errorf("%s: signatures are made without a key", name)
		}
	}
}

// flagsOf are the options that the programs of docs/install.md, "Verify a release", take.
var flagsOf = map[string][]string{
	"cosign verify-blob":    {"bundle", "certificate-identity", "certificate-oidc-issuer"},
	"cosign verify":         {"certificate-identity", "certificate-oidc-issuer"},
	"gh attestation verify": {"repo", "signer-workflow", "source-ref", "predicate-type"},
}

// TestTheLinesThatVerifyAReleaseAreRight lints them: there is no release yet to run them on. They must name who signs, and files that a release has.
func TestTheLinesThatVerifyAReleaseAreRight(t *testing.T) {
	_, section, found := strings.Cut(read(t, "docs/install.md"), "\n## Verify a release\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !found || !ended {
		t.Fatal("docs/install.md has no section \"Verify a release\"")
	}
	repo := "github.com/backstop-ecs/backstop"
	if !strings.Contains(read(t, "go.mod"), "module "+repo+"\n") {
		t.Fatalf("the module is not %s", repo)
	}
	workflow := repo + "/.github/workflows/release.yml"
	seen := map[string]int{}
	for _, line := range strings.Split(strings.ReplaceAll(section, "\\\n", " "), "\n") {
		line = strings.Join(strings.Fields(line), " ")
		for _, program := range []string{"cosign verify-blob", "cosign verify", "gh attestation verify"} {
			rest, ok := strings.CutPrefix(line, program+" ")
			if !ok {
				continue
			}
			seen[program]++
			for _, m := range regexp.MustCompile(`(?:^| )--([a-z-]+)`).FindAllStringSubmatch(rest, -1) {
				if !slices.Contains(flagsOf[program], m[1]) {
					t.Errorf("%s has no --%s: %s", program, m[1], line)
				}
			}
			switch program {
			case "gh attestation verify":
				if !strings.Contains(line, "--repo backstop-ecs/backstop") || !strings.Contains(line, "--signer-workflow "+strings.TrimPrefix(workflow, "github.com/")) {
					t.Errorf("it does not say which workflow must have attested: %s", line)
				}
			default:
				if !strings.Contains(line, `--certificate-identity "https://`+workflow+`@refs/tags/$version"`) || !strings.Contains(line, "--certificate-oidc-issuer https://token.actions.githubusercontent.com") {
					t.Errorf("it does not say who must have signed: %s", line)
				}
			}
			subject := strings.Trim(strings.Fields(rest)[0], `"`)
			if m := regexp.MustCompile(`--bundle (\S+)`).FindStringSubmatch(line); program == "cosign verify-blob" && (m == nil || m[1] != subject+".sigstore.json") {
				t.Errorf("the signature of %s is %s.sigstore.json: %s", subject, subject, line)
			}
			if !slices.Contains([]string{"checksums.txt", "backstop-lambda_arm64.zip", "ghcr.io/backstop-ecs/backstop:$version", "oci://ghcr.io/backstop-ecs/backstop:$version"}, subject) {
				t.Errorf("a release has no %s", subject)
			}
		}
	}
	for program := range flagsOf {
		if seen[program] == 0 {
			t.Errorf("no line calls %s", program)
		}
	}
	if !strings.Contains(section, "lambda_sha256") {
		t.Error("nothing says how Terraform is told the digest")
	}
}
