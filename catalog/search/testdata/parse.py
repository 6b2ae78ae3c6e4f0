# Executed by calibre-debug: what Calibre's own parser makes of the expressions
# in a JSON file, as a JSON list of trees.
import json
import sys

from calibre.utils.search_query_parser import ParseException, Parser


def flat(tree):
    'The tree with "and" and "or" of any number of members.'
    if tree[0] == 'not':
        return ['not', flat(tree[1])]
    if tree[0] == 'token':
        return list(tree)
    members = []
    for member in map(flat, tree[1:]):
        members += member[1:] if member[0] == tree[0] else [member]
    return [tree[0]] + members


def parse(text, locations):
    try:
        return flat(Parser().parse(text, locations))
    except ParseException as e:
        return ['error', str(e)]


given = json.load(open(sys.argv[1], encoding='utf-8'))
print(json.dumps([parse(text, given['locations']) for text in given['texts']]))
