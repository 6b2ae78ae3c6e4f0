# Reads searches and values from a file of JSON and prints for each search which
# of the values Calibre says it matches. Run by calibre-debug.
import json
import sys

from calibre.db.search import _match, _matchkind

with open(sys.argv[1], encoding='utf-8') as f:
    asked = json.load(f)
found = []
for search in asked['searches']:
    kind, query = _matchkind(search)
    found.append([bool(_match(query, [v], kind)) for v in asked['values']])
json.dump(found, sys.stdout)
