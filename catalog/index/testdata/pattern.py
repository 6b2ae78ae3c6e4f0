# Reads regular expressions and texts from a file of JSON and prints for each
# expression in which of the texts Calibre finds it. Run by calibre-debug.
import json
import sys

import regex
from calibre.utils.icu import lower

flags = regex.UNICODE | regex.VERSION1 | regex.FULLCASE | regex.IGNORECASE
with open(sys.argv[1], encoding='utf-8') as f:
    asked = json.load(f)
json.dump([[regex.search(p, lower(t), flags) is not None for t in asked['texts']] for p in asked['patterns']], sys.stdout)
