// Package sdkwatch holds the tests that read what the AWS SDK says about AWS: the changelogs and the enumerations that come with its
// modules. They fail when a module that go.mod names has something that nobody here has read or decided about, and say what to do. Fields are the
// business of package twin's census. It has no code of its own.
package sdkwatch
