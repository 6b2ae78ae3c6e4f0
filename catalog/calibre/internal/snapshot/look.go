package snapshot

import "path/filepath"

// Look returns what the database at src and the files beside it look like now,
// for comparison with [Copy.Stamp]. A symbolic link is followed. Nothing is
// opened.
func Look(src string) (Stamp, error) {
	path, err := filepath.EvalSymlinks(src)
	if err != nil {
		return Stamp{}, err
	}
	return stamp(path)
}
