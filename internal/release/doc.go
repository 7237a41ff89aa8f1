// Package release holds the tests that keep the repository's outer parts in step: workflows, release configuration,
// image, scripts and the pages about running on AWS. It has no code of its own.
package release
