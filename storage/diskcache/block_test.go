package diskcache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
)

func blockFile(o *object, i int64, content []byte) []byte {
	b := append(o.header(i), content...)
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

var sample = object{name: "mem", key: "a/b.epub", tag: "t1", size: 250, blockSize: 100}

// Blocks that differ in anything have other headers and ids.
func TestIdentity(t *testing.T) {
	variants := []object{sample}
	for _, change := range []func(*object){
		func(o *object) { o.name = "mem2" },
		func(o *object) { o.name, o.key = "mema", "/b.epub" },
		func(o *object) { o.key = "a/c.epub" },
		func(o *object) { o.key, o.tag = "a/b.epubt", "1" },
		func(o *object) { o.tag = "t2" },
		func(o *object) { o.size = 249 },
		func(o *object) { o.blockSize = 99 },
	} {
		o := sample
		change(&o)
		variants = append(variants, o)
	}
	seen := map[blockID]bool{}
	for _, o := range variants {
		for i := range int64(3) {
			if id := o.id(i); seen[id] {
				t.Errorf("%+v, block %d: its id is that of another", o, i)
			} else {
				seen[id] = true
			}
			if got, want := int64(len(o.header(i))), o.headerSize(); got != want {
				t.Errorf("header of %d bytes, want %d", got, want)
			}
		}
	}
	if o := sample; o.blocks(250) != 3 || o.blocks(100) != 1 || o.length(2) != 50 || o.costs(0, 3) != 3*pageSize {
		t.Errorf("blocks of %+v are wrong", o)
	}
}

// A file with any bit changed, or of another length, is not accepted.
func TestParse(t *testing.T) {
	content := pattern(50, 1)
	header := sample.header(2)
	file := blockFile(&sample, 2, content)
	got, err := parse(file, header, 50)
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%q, %v", got, err)
	}
	for i := range len(file) * 8 {
		bad := bytes.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := parse(bad, header, 50); !errors.Is(err, errDamaged) {
			t.Errorf("bit %d changed: %v", i, err)
		}
	}
	for n := range file {
		if _, err := parse(file[:n], header, 50); !errors.Is(err, errDamaged) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := parse(append(bytes.Clone(file), 0), header, 50); !errors.Is(err, errDamaged) {
		t.Errorf("one byte more: %v", err)
	}
	other := blockFile(&sample, 1, pattern(100, 1))
	if _, err := parse(other, header, 50); !errors.Is(err, errDamaged) {
		t.Errorf("another block: %v", err)
	}
}

// FuzzParse: what is accepted is what was written, byte by byte.
func FuzzParse(f *testing.F) {
	content := pattern(50, 1)
	file := blockFile(&sample, 2, content)
	f.Add(file)
	f.Add(file[:len(file)-1])
	f.Add([]byte{})
	f.Add(sample.header(2))
	f.Add(blockFile(&sample, 2, pattern(50, 2)))
	f.Add(blockFile(&sample, 1, pattern(100, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parse(b, sample.header(2), 50)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Errorf("%v", err)
			}
			return
		}
		if !bytes.Equal(b, blockFile(&sample, 2, got)) {
			t.Errorf("accepted: %q", b)
		}
	})
}

// The index keeps its promises whatever is asked of it.
func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := newIndex(100)
	var pinned []*entry
	next := byte(0)
	for range 20_000 {
		switch rng.IntN(4) {
		case 0:
			n := 1 + rng.Int64N(40)
			victims, ok := x.reserve(n)
			for _, e := range victims {
				if e.pins > 0 {
					t.Fatal("a file that is open is to be removed")
				}
				x.removed(e, true)
			}
			if !ok {
				if len(victims) > 0 {
					t.Fatal("files are removed for nothing")
				}
				continue
			}
			next++
			id := blockID{next}
			if x.entries[id] != nil {
				x.release(n)
				continue
			}
			x.add(&entry{id: id, cost: n})
		case 1, 2:
			if e := x.pin(blockID{byte(rng.IntN(256))}); e != nil {
				if x.ring.older != e {
					t.Fatal("what was used is not the newest")
				}
				pinned = append(pinned, e)
			}
		case 3:
			if len(pinned) > 3 {
				x.unpin(pinned[0])
				pinned = pinned[1:]
			}
		}
		sum, n := int64(0), 0
		for e := x.ring.older; e != &x.ring; e = e.older {
			sum += e.cost
			n++
		}
		if sum != x.used || x.used > x.max || n != len(x.entries) {
			t.Fatalf("%d of %d bytes are used, in the order are %d in %d of %d files", x.used, x.max, sum, n, len(x.entries))
		}
	}
}
