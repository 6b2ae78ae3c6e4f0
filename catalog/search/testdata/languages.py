# Makes languages.txt from the table of ISO 639-3 in the form in which the
# project iso-codes has it: python3 languages.py iso_639-3.json > ../languages.txt
import json
import sys

names = {}
for entry in json.load(open(sys.argv[1], encoding='utf-8'))['639-3']:
    # "Tosk Albanian" is listed as "Albanian, Tosk", too.
    for name in (entry['name'], entry.get('inverted_name', entry['name'])):
        names.setdefault(name.lower(), [entry['alpha_3'], entry.get('alpha_2')])
for name in sorted(names, key=lambda name: name.encode()):
    print('\t'.join([name] + [code for code in names[name] if code]))
