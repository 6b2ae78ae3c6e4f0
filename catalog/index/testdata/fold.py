# Prints how each character folds, as the collation that Calibre searches with
# has it: its number, and two texts of representative characters that have the
# same primary weights, the second without those that do not count when
# punctuation is ignored. Characters that are left out keep to themselves: what
# is not assigned, ideographs, Hangul syllables. Run by calibre-debug.
import sys
import unicodedata
from collections import Counter

from calibre.utils.icu import primary_collator, primary_collator_without_punctuation

sort_key = primary_collator().sort_key
bare_key = primary_collator_without_punctuation().sort_key


def key(text):
    return sort_key(text)[:-1]  # without the end mark


def simple(char):
    text = unicodedata.normalize('NFKD', char).casefold()
    return ''.join(c for c in text if unicodedata.category(c) != 'Mn')


def ideograph(number):
    return 0x3400 <= number < 0x4dc0 or 0x4e00 <= number < 0xa000 or 0x20000 <= number < 0x323b0


keys, having = {}, {}
for number in range(1, 0xe1000):
    if 0xac00 <= number < 0xd7a4 or 0xd800 <= number < 0xf900:
        continue
    char = chr(number)
    weights = key(char)
    implicit = b'\xfa' <= weights[:1] < b'\xff'  # of ideographs and of what is not assigned
    if implicit and not ideograph(number) and unicodedata.normalize('NFKD', char) == char:
        continue
    if not ideograph(number):
        keys[number] = weights
    if weights:
        having.setdefault(weights, []).append(char)

# What has one weight is represented by one of those that have it, the one that
# most of the others look like.
single = {}


def represent(chars):
    looks = Counter(simple(c) for c in chars)
    stable = [c for c in chars if simple(c) == c]
    return min(stable or chars, key=lambda c: (-looks[c], unicodedata.category(c) == 'Lu', c))


def splits(weights, at=0, lead=b''):
    # All ways to read a key as a sequence of single weights. A first byte that
    # is that of the weight before is left out, and a mark ends that.
    if at == len(weights):
        yield []
        return
    ways = [(b'', at)]
    if lead:
        ways.insert(0, (lead, at))
        if weights[at] in (3, 255):
            ways.append((b'', at + 1))
    for prefix, begin in ways:
        for end in range(begin + 1, min(begin + 4, len(weights)) + 1):
            one = prefix + weights[begin:end]
            if one in single and one != weights:
                for rest in splits(weights, end, one[:1]):
                    yield [single[one]] + rest


parts = {b'': []}
for weights in sorted(having, key=len):
    for chars in splits(weights):
        if key(''.join(chars)) == weights:
            parts[weights] = chars
            break
    else:
        single[weights] = represent(having[weights])
        parts[weights] = [single[weights]]

nothing = bare_key('')
for number, weights in keys.items():
    texts = (parts[weights], [c for c in parts[weights] if bare_key(c) != nothing])
    texts = [unicodedata.normalize('NFC', ''.join(t)) for t in texts]
    if key(texts[0]) != weights or bare_key(texts[1]) != bare_key(chr(number)):
        sys.exit('no representation of %x' % number)
    print('%x' % number, *(' '.join('%x' % ord(c) for c in t) for t in texts), sep=',')
