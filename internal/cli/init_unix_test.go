//go:build linux

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAFullDiskLeavesTheConfigurationAsItWas: nothing is left of a new file, and the old one stays; a link goes on to lead to it.
func TestAFullDiskLeavesTheConfigurationAsItWas(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "backstop.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("old"), false); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("other"), false); err == nil {
		t.Error("a file that is there was written over")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(link, []byte("new"), true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("who may read it has changed: %v, %v", info.Mode(), err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "new" {
		t.Errorf("through the link: %q, %v", text, err)
	}
	// In a process of its own: what bounds files here would bound those of the test framework, too.
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFillTheDisk$")
	cmd.Env = append(os.Environ(), fullDiskEnv+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "both refused") {
		t.Fatalf("files of 100 bytes where 8 fit: %v\n%s", err, out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if text, err := os.ReadFile(link); err != nil || string(text) != "new" {
		t.Errorf("the old one: %q, %v", text, err)
	}
}

// fullDiskEnv is the folder in which [TestFillTheDisk] writes.
const fullDiskEnv = "BACKSTOP_TEST_FULL_DISK"

// TestFillTheDisk is the process of [TestAFullDiskLeavesTheConfigurationAsItWas], and does nothing otherwise.
func TestFillTheDisk(t *testing.T) {
	dir := os.Getenv(fullDiskEnv)
	if dir == "" {
		t.Skip("it is run by another test")
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 8, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	err1 := writeNew(filepath.Join(dir, "fresh.yaml"), make([]byte, 100), false)
	err2 := writeNew(filepath.Join(dir, "backstop.yaml"), make([]byte, 100), true)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err1 != nil && err2 != nil {
		fmt.Println("both refused")
	}
}
