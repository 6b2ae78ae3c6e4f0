package diskcache

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/pressmark/pressmark/storage"
)

// childDir is the variable that makes the test binary the process that is killed.
const childDir = "PRESSMARK_DISKCACHE_TEST_DIR"

// TestKill kills a process that fills a cache, at moments of all kinds, again and
// again in one folder. What the next process serves is right, to the byte: it
// checks that itself before it goes on.
func TestKill(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	found := 0
	for i := range rounds {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// A line comes for each read of the source: kill at one of them, so that
		// the moment is random whatever the speed of the machine.
		lines, stop := bufio.NewScanner(out), 1+rand.IntN(400)
		for n := 0; n < stop && lines.Scan(); {
			var h int
			if _, err := fmt.Sscanf(lines.Text(), "blocks %d", &h); err == nil {
				found += h
				continue
			}
			if lines.Text() != "read" {
				t.Fatalf("round %d: %s", i, lines.Text())
			}
			n++
		}
		cmd.Process.Kill()
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); cmd.ProcessState.Exited() {
			t.Fatalf("round %d: the process ended by itself: %v", i, err)
		}
	}
	if found == 0 {
		t.Error("no block has survived: this test shows nothing")
	}
	c := newCache(t, dir, 2*pageSize, 300*pageSize)
	t.Logf("%d blocks were checked after %d kills; %d are left", found, rounds, c.Stats().Blocks)
	audit(t, c)
}

// child checks what is kept, and fetches until it is killed.
func child(dir string) int {
	c, err := open(dir, Options{BlockSize: 2 * pageSize, MaxBytes: 300 * pageSize})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	const size, keys = 60*pageSize + 7, 6
	var out sync.Mutex
	say := func(format string, a ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", a...)
	}
	src := &talking{endless{size: size}, func() { say("read") }}
	s := c.Store(src, "endless")
	check := func(key string) {
		rc, _, err := s.Open(context.Background(), key, storage.Range{})
		if err == nil {
			_, err = io.Copy(&checker{}, rc)
			rc.Close()
		}
		if err != nil {
			say("%s: %v", key, err)
			os.Exit(1)
		}
	}
	// All that is kept, and nothing else, is looked at first.
	found := int64(0)
	for key := range keys {
		o := &object{source: src, name: "endless", key: fmt.Sprint(key), tag: "endless", size: size, blockSize: c.blockSize}
		for i := range o.blocks(size) {
			content, err := c.load(o, i, make([]byte, maxHeader+o.blockSize+sumSize+1))
			if content == nil && err == nil {
				continue
			}
			if err == nil {
				_, err = (&checker{at: i * o.blockSize}).Write(content)
			}
			if err != nil || int64(len(content)) != o.length(i) {
				say("block %d of %d: %d bytes, %v", i, key, len(content), err)
				os.Exit(1)
			}
			found++
		}
	}
	if st := c.Stats(); st.Discarded > 0 || st.Degraded || st.Blocks != found {
		say("%d blocks: %+v", found, st)
	}
	say("blocks %d", found)
	for {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { check(fmt.Sprint(rand.IntN(keys))) })
		}
		wg.Wait()
	}
}

// talking is an endless source that tells of its reads, which are short.
type talking struct {
	endless
	say func()
}

func (s *talking) Open(ctx context.Context, key string, r storage.Range) (io.ReadCloser, storage.Info, error) {
	rc, info, err := s.endless.Open(ctx, key, r)
	return body{rc, func(p []byte) (int, error) {
		s.say()
		return rc.Read(p[:min(len(p), 3000)])
	}}, info, err
}
