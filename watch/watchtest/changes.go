package watchtest

import (
	"os"
	"time"
)

// change is one way in which files change. The consumer must arrive at the
// state after each step.
type change struct {
	name   string
	before func(*library) // made before the watcher begins; nil for nothing
	steps  []func(*library)
}

func changes() []change {
	return []change{
		{name: "WriteInPlace", steps: steps(func(l *library) { l.open(0, "CONTENT") })},
		{name: "Append", steps: steps(func(l *library) { l.append("more") })},
		{name: "Truncate", steps: steps(func(l *library) { l.must(os.Truncate(l.path(database), 0)) })},
		{name: "TouchForward", steps: steps(func(l *library) { l.touch(database, old.Add(time.Hour)) })},
		{name: "TouchBack", steps: steps(func(l *library) { l.touch(database, old.Add(-time.Hour)) })},
		{name: "JournalAppearsAndVanishes", steps: steps(
			func(l *library) { l.journal() },
			func(l *library) { l.remove(journal) },
		)},
		{name: "WALGrows", before: func(l *library) { l.write(wal, "frame") }, steps: steps(
			func(l *library) { l.write(wal, "frame frame") },
		)},
		{name: "Commit", steps: steps(func(l *library) {
			l.journal()
			l.append("page")
			l.remove(journal)
		})},
		{name: "TwoChangesInARow", steps: steps(func(l *library) {
			l.append("one")
			l.append("two")
		})},
		{name: "DeleteAndCreate", steps: steps(
			func(l *library) { l.remove(database) },
			func(l *library) { l.write(database, "created") },
			func(l *library) { l.append("more") },
		)},
		{name: "MissingAtFirst", before: func(l *library) { l.remove(database) }, steps: steps(
			func(l *library) { l.write(database, "created") },
		)},
		{name: "ReplacedByRename", steps: steps(
			func(l *library) { l.replace("restored", old.Add(time.Hour)) },
			func(l *library) { l.append("more") },
			// The same size and time: only the file is another.
			func(l *library) { l.touch(database, old) },
			func(l *library) { l.replace("RESTOREDmore", old) },
		)},
		{name: "MovedAwayAndBack", steps: steps(
			func(l *library) { l.must(os.Rename(l.path(database), l.path("away"))) },
			func(l *library) { l.must(os.Rename(l.path("away"), l.path(database))) },
		)},
		{name: "DirectoryRemovedAndCreated", steps: steps(
			func(l *library) { l.removeAll() },
			func(l *library) { l.create() },
			func(l *library) { l.append("more") },
			func(l *library) { l.removeAll(); l.create() },
			func(l *library) { l.append("more") },
		)},
		{name: "DirectoryMissingAtFirst", before: func(l *library) { l.removeAll() }, steps: steps(
			func(l *library) { l.create() },
			func(l *library) { l.append("more") },
		)},
		{name: "DirectoryExchanged", steps: steps(
			func(l *library) {
				l.must(os.Rename(l.dir, l.dir+".away"))
				l.create()
			},
			func(l *library) { l.append("more") },
		)},
		{name: "FileInPlaceOfDirectory", steps: steps(
			func(l *library) {
				l.removeAll()
				l.must(os.WriteFile(l.dir, nil, 0o644))
			},
			func(l *library) {
				l.must(os.Remove(l.dir))
				l.create()
			},
		)},
	}
}

func steps(s ...func(*library)) []func(*library) { return s }
