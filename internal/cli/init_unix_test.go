//go:build linux

package cli

import (
	"os"
	"path/filepath"
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
	if err := writeNew(link, []byte("new"), true); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "new" {
		t.Errorf("through the link: %q, %v", text, err)
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Skip(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 8, Max: was.Max}); err != nil {
		t.Skip(err)
	}
	fresh := filepath.Join(dir, "fresh.yaml")
	err1, err2 := writeNew(fresh, make([]byte, 100), false), writeNew(link, make([]byte, 100), true)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err1 == nil || err2 == nil {
		t.Fatalf("files of 100 bytes where 8 fit: %v, %v", err1, err2)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if text, err := os.ReadFile(link); err != nil || string(text) != "new" {
		t.Errorf("the old one: %q, %v", text, err)
	}
}
