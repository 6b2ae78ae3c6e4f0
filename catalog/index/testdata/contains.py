# Reads pairs of texts from a file of JSON and prints for each whether Calibre
# finds the first in the second: ignoring punctuation, and with it. Then reads
# texts, and prints them in lower case. Run by calibre-debug.
import json
import sys

from calibre.utils.icu import lower, primary_contains, primary_no_punc_contains

with open(sys.argv[1], encoding='utf-8') as f:
    asked = json.load(f)
json.dump({
    'found': [[bool(primary_no_punc_contains(a, b)), bool(primary_contains(a, b))] for a, b in asked['pairs']],
    'lower': [lower(t) for t in asked['texts']],
}, sys.stdout)
