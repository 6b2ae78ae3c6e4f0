package snapshot

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// chunk is how much is copied between two looks at the context and the clock.
const chunk = 8 << 20

// copyBytes copies size bytes from the beginning of src to dst, and calls step
// before each chunk. Between files of one file system Linux copies without a
// buffer of ours (copy_file_range), and shares the blocks where it can.
func copyBytes(dst, src *os.File, size int64, step func() error) error {
	for left := size; left > 0; {
		if err := step(); err != nil {
			return err
		}
		n, err := io.CopyN(dst, src, min(left, chunk))
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it shrank", ErrUnstable)
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}
