package recordings

import (
	"path/filepath"
	"testing"

	"tfserving/internal/page"
)

// root is the top of the checkout.
const root = "../.."

func TestThePictureShowsTheRecordedFirstUp(t *testing.T) {
	r, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	page.Whole(t, filepath.Join(root, pictureFile), "go test ./test/recordings -update", r.picture())
}
