package index

import (
	"bytes"
	"cmp"
	"hash/fnv"
	"sort"
	"strings"
)

// uuidSlot says which slot owns a UUID. Where several books have the same one,
// it is owned by the book with the lowest id.
type uuidSlot struct {
	hash uint64
	slot uint32
}

func hashUUID(uuid string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(uuid)))
	return h.Sum64()
}

// compareUUIDs orders by hash, and by id within one hash.
func (ix *Index) compareUUIDs(a, b uuidSlot) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(ix.ids[a.slot], ix.ids[b.slot]))
}

// slotOfUUID returns the slot that owns a UUID.
func (ix *Index) slotOfUUID(uuid string) (uint32, bool) {
	h, want := hashUUID(uuid), []byte(uuid)
	i := sort.Search(len(ix.byUUID), func(i int) bool { return ix.byUUID[i].hash >= h })
	for ; i < len(ix.byUUID) && ix.byUUID[i].hash == h; i++ {
		slot := ix.byUUID[i].slot
		if bytes.EqualFold(uuidOf(ix.record(slot)), want) {
			return slot, true
		}
	}
	return 0, false
}

// uuidOf is the UUID in a record.
func uuidOf(rec []byte) []byte {
	s := skimmer{rec}
	s.int() // the id
	return s.str()
}
