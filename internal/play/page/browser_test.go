package page

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/backstop-ecs/backstop/internal/browsertest"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// played is true once all that was asked for is drawn and the decision under the cursor is explained.
const played = `document.body.dataset.round && !document.querySelector('.lane.late') && document.querySelectorAll('.lane canvas').length === document.querySelectorAll('.lane').length && document.querySelector('#why h3')`

func TestInTheBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the browser takes some seconds")
	}
	if racetest.Enabled {
		t.Skip("what the browser asks for is asked for without one too, where the race detector watches")
	}
	chromium := browsertest.Start(t)
	file := written(t)
	t.Run("a file works by itself", func(t *testing.T) { seeFile(t, chromium, file) })
	t.Run("both themes and a phone", func(t *testing.T) {
		browsertest.Open(t, chromium, file).Everywhere("play", "", played)
	})
}

// written is the address of the page in a file.
func written(t *testing.T) string {
	t.Helper()
	m, err := Build(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "play.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(f, m); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

func seeFile(t *testing.T, chromium context.Context, file string) {
	b := browsertest.Open(t, chromium, file)
	b.Size(1440, 1250)
	b.Visit("")
	b.Sees("a day that was played", played)
	b.Picture("play-first", false)
	b.Picture("play-whole", true)
}
